import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "./history.ts";

test("undo and redo walk through what there was; something new ends what was undone", () => {
  const history = new History("a");
  history.push("b");
  history.push("c");
  history.undo();
  history.undo();
  assert.deepEqual([history.present, history.canUndo, history.canRedo], ["a", false, true]);
  history.undo();
  history.redo();
  assert.equal(history.present, "b");
  history.push("d");
  history.redo();
  assert.deepEqual([history.present, history.canRedo], ["d", false]);
});

test("a long history forgets its beginning", () => {
  const history = new History(0);
  for (let at = 1; at <= 1_000; at++) history.push(at);
  while (history.canUndo) history.undo();
  assert.equal(history.present, 800);
});
