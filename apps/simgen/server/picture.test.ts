import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureSchema, sketchPictureSchema } from "./picture.ts";

const HEADS = {
  "image/png": Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
  "image/jpeg": Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
  "image/webp": Buffer.from("RIFF\0\0\0\0WEBPVP8 "),
};

for (const [mediaType, head] of Object.entries(HEADS))
  test(`a picture that says ${mediaType} begins like one`, () => {
    const data = Buffer.concat([head, Buffer.alloc(100)]).toString("base64");
    assert.deepEqual(pictureSchema.parse({ mediaType, data }), { mediaType, data });
    for (const other of Object.keys(HEADS).filter((each) => each !== mediaType)) {
      const { error } = pictureSchema.safeParse({ mediaType: other, data });
      assert.deepEqual(
        error?.issues.map(({ path, message }) => [path.join("."), message]),
        [["data", "a picture of that media type"]],
      );
    }
  });

for (const [what, picture, path] of [
  ["a type that models do not take", { mediaType: "image/svg+xml", data: "PHN2Zz4=" }, "mediaType"],
  ["no base64", { mediaType: "image/png", data: "data:image/png;base64,iVBORw0KGgo=" }, "data"],
  ["more than a request holds", { mediaType: "image/png", data: `iVBORw0K${"A".repeat(900_000)}` }, "data"],
  ["nothing in it", { mediaType: "image/png", data: "" }, "data"],
] as const)
  test(`${what} is refused, with the field`, () => {
    const issues = pictureSchema.safeParse(picture).error?.issues ?? [];
    assert.deepEqual([...new Set(issues.map((issue) => issue.path.join(".")))], [path]);
  });

test("the bytes of a sketch come out of base64, with and without padding", () => {
  for (const length of [64, 65, 66]) {
    const bytes = Buffer.concat([HEADS["image/webp"], Buffer.alloc(length, 7)]);
    for (const encoding of ["base64", "base64url"] as const) {
      const data = bytes.toString(encoding);
      assert.deepEqual(sketchPictureSchema.parse({ mediaType: "image/webp", data }), bytes);
    }
  }
});

for (const [what, data, message] of [
  ["a character that is not base64", `iVBORw0KGgo${"A".repeat(20)}?`, "base64"],
  ["a data URL", "data:image/png;base64,iVBORw0KGgo=", "base64"],
  ["another type", HEADS["image/jpeg"].toString("base64"), "a picture of that media type"],
] as const)
  test(`a sketch with ${what} is refused`, () => {
    const issues = sketchPictureSchema.safeParse({ mediaType: "image/png", data }).error?.issues ?? [];
    assert.deepEqual(
      issues.map((issue) => [issue.path.join("."), issue.message]),
      [["data", message]],
    );
  });
