import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  codesDeclaredIn,
  codesDocumentedIn,
  codesThatDiffer,
  dependenciesArePinned,
  dependenciesRunOneWay,
  importsAreDeclared,
  linksPointSomewhere,
  namesSaySomething,
  noDeadFiles,
  noLeftovers,
  RULES,
  type Rule,
  type Tree,
} from "./tidy.ts";

const root = new URL("../", import.meta.url);

const repository: Tree = new Map(
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
    .split("\n")
    .filter((file) => file && existsSync(new URL(file, root)))
    .map((file) => [file, readFileSync(new URL(file, root), "utf8")]),
);

for (const [name, rule] of Object.entries(RULES)) {
  test(`here, ${name}`, () => {
    assert.deepEqual(rule(repository), []);
  });
}

test("here, docs/ERRORS.md and the code name the same error codes", async () => {
  // By URL, so that the type checker of this file does not need the server's sources.
  const { PROBLEMS } = await import(new URL("apps/simgen/service/problem.ts", root).href);
  const documented = codesDocumentedIn(repository.get("docs/ERRORS.md") ?? "");
  assert.deepEqual(codesThatDiffer(documented, [...Object.keys(PROBLEMS), ...codesDeclaredIn(repository)]), []);
});

// ---- each rule complains about a bad tree, and only about what is bad in it ----

const app = { name: "@holdfast/simgen", dependencies: { zod: "4.6.7" }, devDependencies: { three: "0.187.0" } };

test("an import that package.json does not declare is found", () => {
  complains(
    importsAreDeclared,
    {
      "package.json": manifest({ devDependencies: { "fast-check": "4.10.2" } }),
      "apps/simgen/package.json": manifest(app),
      "apps/simgen/server/main.ts": `
        import fs from "node:fs";
        import { z } from "zod/v4";
        import { MeshBasicMaterial } from "three"; // import "in-a-comment";
        export { left } from "left-pad";
        const late = await import("@scope/late/deep");
        const text = 'import "in-a-string"';`,
      "apps/simgen/web/viewer.ts": `import { Scene } from "three";`,
      "apps/simgen/sim/scene.test.ts": `import fc from "fast-check";\nimport { Scene } from "three";`,
      "apps/simgen/sim/scene.ts": `import fc from "fast-check";`,
    },
    [
      'apps/simgen/server/main.ts: "three" is only a devDependency of apps/simgen/package.json, and this file runs in production',
      'apps/simgen/server/main.ts: "left-pad" is not declared in apps/simgen/package.json',
      'apps/simgen/server/main.ts: "@scope/late" is not declared in apps/simgen/package.json',
      'apps/simgen/sim/scene.ts: "fast-check" is not declared in apps/simgen/package.json',
    ],
  );
});

test("a dependency against the order is found", () => {
  complains(
    dependenciesRunOneWay,
    {
      "packages/sessions/src/store.ts": `import "@holdfast/protocol";\nimport "@holdfast/breaker";`,
      "packages/breaker/src/breaker.ts": `import "@holdfast/protocol";\nimport "./window.ts";`,
      "packages/client/src/client.ts": `import "../../protocol/src/frame.ts";\nimport "@holdfast/simgen/server/main.ts";`,
      "packages/client/src/client.test.ts": `import "@holdfast/sessions";\nimport "../../../test/redis.ts";`,
      "apps/simgen/sim/scene.ts": `import type { Page } from "../web/page.ts";\nimport "../server/main.ts";\nimport "./compile.ts";`,
      "apps/simgen/web/page.ts": `import type { Message } from "../server/messages.ts";\nimport "../sim/frame.ts";\nimport { send } from "../server/messages.ts";\nimport "../cv/analyze.ts";`,
      "apps/simgen/server/main.ts": `import "../sim/scene.ts";\nimport "@holdfast/sessions";\nimport "../../../bench/sim.ts";\nimport "../../../test/redis.ts";`,
      "apps/simgen/server/main.test.ts": `import "../../../drills/kill.ts";`,
      "bench/sim.ts": `import "../packages/breaker/src/breaker.ts";\nimport "@holdfast/breaker";\nimport "../apps/simgen/sim/scene.ts";`,
      "drills/kill.ts": `import "../apps/simgen/server/main.ts";\nimport "./report.ts";`,
      "recovery/embedded.ts": `import "../apps/simgen/server/main.ts";\nimport "../packages/health/src/checks.ts";\nimport "../apps/simgen/server/server.fixture.ts";`,
      "recovery/embedded.test.ts": `import "../apps/simgen/server/server.fixture.ts";`,
      "apps/simgen/server/backup/make.ts": `import "../../../../recovery/embedded.ts";`,
      "packages/health/src/checks.ts": `import "../../../recovery/embedded.ts";`,
    },
    [
      "packages/sessions/src/store.ts: imports @holdfast/breaker, but sessions stands alone",
      "packages/breaker/src/breaker.ts: imports @holdfast/protocol, but breaker stands alone",
      "packages/client/src/client.ts: imports ../../protocol/src/frame.ts, but a package is used by its public name",
      "packages/client/src/client.ts: imports @holdfast/simgen/server/main.ts, but packages know nothing of the apps",
      "apps/simgen/sim/scene.ts: imports ../web/page.ts, but sim knows nothing of what uses it",
      "apps/simgen/sim/scene.ts: imports ../server/main.ts, but sim knows nothing of what uses it",
      "apps/simgen/web/page.ts: imports ../server/messages.ts, but the page takes only types from the server",
      "apps/simgen/web/page.ts: imports ../cv/analyze.ts, but the page takes only the recogniser and types from cv",
      "apps/simgen/server/main.ts: imports ../../../bench/sim.ts, but apps know nothing of bench",
      "apps/simgen/server/main.ts: imports ../../../test/redis.ts, but apps know nothing of test",
      "apps/simgen/server/main.test.ts: imports ../../../drills/kill.ts, but apps know nothing of drills",
      "bench/sim.ts: imports ../packages/breaker/src/breaker.ts, but a package is used by its public name",
      "drills/kill.ts: imports ../apps/simgen/server/main.ts, but drills use ports and commands only",
      "recovery/embedded.ts: imports ../packages/health/src/checks.ts, but a package is used by its public name",
      "recovery/embedded.ts: imports ../apps/simgen/server/server.fixture.ts, but only tests import tests",
      "apps/simgen/server/backup/make.ts: imports ../../../../recovery/embedded.ts, but apps know nothing of recovery",
      "packages/health/src/checks.ts: imports ../../../recovery/embedded.ts, but packages know nothing of recovery",
    ],
  );
});

test("a file that nothing reaches is found", () => {
  complains(
    noDeadFiles,
    {
      "package.json": manifest({ scripts: { start: "node scripts/setup.mjs" } }),
      "scripts/setup.mjs": `const SERVER = "apps/simgen/server/main.ts"; // and old/gone.ts`,
      "apps/simgen/server/main.ts": `import "./used.ts";\nnew Worker(new URL("./worker.ts", import.meta.url));\nread(new URL("./lua/append.lua", import.meta.url));`,
      "apps/simgen/server/used.ts": "",
      "apps/simgen/server/worker.ts": "",
      "apps/simgen/server/lua/append.lua": "",
      "apps/simgen/server/lua/old.lua": "",
      "apps/simgen/server/tested.ts": "",
      "apps/simgen/server/tested.test.ts": `import "./tested.ts";\nimport "./fake.ts";`,
      "apps/simgen/server/fake.ts": "",
      "apps/simgen/server/loop-a.ts": `import "./loop-b.ts";`,
      "apps/simgen/server/loop-b.ts": `import "./loop-a.ts";`,
      "apps/simgen/web/index.html": `<script type="module" src="/page.ts"></script>`,
      "apps/simgen/web/page.ts": "",
      "bench/sim.ts": "",
      "recovery/backup.sh": "",
      "recovery/old.sh": "",
      "README.md": "Run `recovery/backup.sh`. See apps/simgen/server/tested.ts.",
      "old/gone.ts": "",
    },
    [
      "apps/simgen/server/lua/old.lua",
      "apps/simgen/server/tested.ts",
      "apps/simgen/server/loop-a.ts",
      "apps/simgen/server/loop-b.ts",
      "recovery/old.sh",
      "old/gone.ts",
    ].map((file) => `${file}: nothing imports or runs this file, its own test apart`),
  );
});

test("leftovers are found", () => {
  complains(
    noLeftovers,
    {
      "apps/a.test.ts": `test.only("x", run);`,
      "apps/b.test.ts": `test("x", { skip: true }, run);\nt.skip("not now");`,
      "apps/c.ts": "// TODO: later\n// TODO(#12): later\nconst TODO = 1;",
      "apps/d.ts": "// @ts-ignore\nconst a = b as any;\nPromise.any([]); z.any();",
      "apps/e.ts": "function f(x: any) {}\nconsole.log(1);\nconst re = /`: any/; const s = `: any`;",
      "bench/f.ts": "console.log(1);",
    },
    [
      "apps/a.test.ts: .only( (a test is left out)",
      "apps/b.test.ts: skip: true (a test is left out)",
      "apps/c.ts: TODO (write TODO(#issue), or do it)",
      "apps/d.ts: as any (any switches the type checker off)",
      "apps/d.ts: @ts-ignore (the type checker is told to look away)",
      "apps/e.ts: : any (any switches the type checker off)",
      "apps/e.ts: console.log( (use the logger)",
    ],
  );
});

test("a file name that says nothing is found", () => {
  complains(namesSaySomething, { "apps/utils.ts": "", "apps/string-helpers.ts": "", "apps/commonality.ts": "" }, [
    "apps/utils.ts: say what is in it",
    "apps/string-helpers.ts: say what is in it",
  ]);
});

test("a version range, a registry's address and a lock file that npm ci refuses are found", () => {
  const wants = {
    dependencies: { a: "^1.2.3", b: "1.2.3", c: "1.2.3-beta.1" },
    devDependencies: { d: "*" },
  };
  const packages = {
    "": wants,
    "apps/simgen": { dependencies: { zod: "4.6.6" } },
    "node_modules/a": {
      resolved: "https://registry.example/a.tgz",
      optionalDependencies: { "a-linux": "1", "a-mac": "1" },
    },
    "node_modules/a/node_modules/a-linux": {},
    "node_modules/simgen": { resolved: "apps/simgen" },
  };
  complains(
    dependenciesArePinned,
    {
      "package.json": manifest(wants),
      "apps/simgen/package.json": manifest({ dependencies: { zod: "4.6.7" } }),
      "package-lock.json": JSON.stringify({ packages }, null, 2),
    },
    [
      'package.json: a is "^1.2.3", expected an exact version',
      'package.json: d is "*", expected an exact version',
      'package-lock.json: "resolved": "https://registry.example/a.tgz" (npm install with omit-lockfile-registry-resolved)',
      "package-lock.json: does not agree with apps/simgen/package.json (npm install)",
      "package-lock.json: lacks the optional a-mac, so npm ci will fail",
    ],
  );
});

test("a link to nowhere is found", () => {
  complains(
    linksPointSomewhere,
    {
      "README.md":
        "[a](docs/A.md#top) [b](./docs) [c](https://example.org) [d](#here) [e](docs/GONE.md)\n```\n[f](x.md)\n```\n`[g](y.md)`",
      "docs/A.md": "[up](../README.md) [out](../../README.md)\n[ref]: B.md",
    },
    [
      "README.md: links to docs/GONE.md, which does not exist",
      "docs/A.md: links to ../../README.md, which does not exist",
      "docs/A.md: links to B.md, which does not exist",
    ],
  );
});

test("error codes that documents and code do not share are found, either way", () => {
  const documented = codesDocumentedIn(
    "| code | status |\n|---|---|\n| `a` | 400 |\n| `b` | not `x` |\n| `b` | 401 |\n",
  );
  const inCode = codesDeclaredIn(
    tree({
      "packages/breaker/src/breaker.ts": `export type BreakerErrorCode = "c" // or\n  | "a";\ntype Other = "d";`,
    }),
  );
  assert.deepEqual(codesThatDiffer(documented, inCode), [
    "c: in code, not documented",
    "b: documented, not in code",
    "b: documented twice",
  ]);
});

function complains(rule: Rule, files: Record<string, string>, complaints: string[]): void {
  assert.deepEqual(rule(tree(files)), complaints);
}

function tree(files: Record<string, string>): Tree {
  return new Map(Object.entries(files));
}

function manifest(content: Record<string, unknown>): string {
  return JSON.stringify(content);
}
