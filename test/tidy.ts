import { posix } from "node:path";
import { isDeepStrictEqual } from "node:util";

/** The repository's files: path from the root -> text. */
export type Tree = ReadonlyMap<string, string>;

/** What is wrong in a tree, one line each, opening with the file. */
export type Rule = (tree: Tree) => string[];

const SOURCE = /\.(ts|mjs|sh|lua)$/;
const SCRIPT = /\.(ts|mjs)$/;
const TEST = /\.(test|contract|fixture)\.ts$|^test\//;
/** Files that never run in production: these may use devDependencies. The page is built, so its are bundled. */
const DEVELOPMENT =
  /\.(test|contract|fixture|config)\.ts$|^(bench|drills|recovery|scripts|test)\/|^apps\/simgen\/web\//;
const MAY_PRINT = /\.test\.ts$|^(bench|drills|scripts)\//;
/** Files that are run, or found, without a source file naming them. */
const ENTRY =
  /\.(test|config)\.ts$|^(bench|drills)\/[^/]+\.ts$|(^|\/)(package\.json|Dockerfile[^/]*|[^/]+\.(ya?ml|md)|index\.html)$|^\.ci\//;
const SIBLINGS: Record<string, string[]> = { sessions: ["protocol"], client: ["protocol"] };

/** Every import names a package that the importing workspace's own package.json declares, or the root's for tests and tools. */
export const importsAreDeclared: Rule = (tree) => {
  const shared = manifestOf(tree, "").devDependencies;
  return scripts(tree).flatMap(([file, text]) => {
    const manifest = manifestOf(tree, file);
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    if (DEVELOPMENT.test(file)) Object.assign(declared, manifest.devDependencies, shared);
    return importsOf(text)
      .filter(({ specifier }) => !/^(\.|\/|node:|[a-z]+:)/.test(specifier))
      .map(({ specifier }) => specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? specifier)
      .filter((name) => name !== manifest.name && !(name in declared))
      .map((name) =>
        name in (manifest.devDependencies ?? {})
          ? `${file}: "${name}" is only a devDependency of ${manifest.path}, and this file runs in production`
          : `${file}: "${name}" is not declared in ${manifest.path}`,
      );
  });
};

/** Dependencies run one way: see ARCHITECTURE.md. */
export const dependenciesRunOneWay: Rule = (tree) =>
  scripts(tree).flatMap(([file, text]) =>
    importsOf(text).flatMap(({ specifier, typeOnly }) => {
      const objection = objectionTo(file, specifier, typeOnly);
      return objection ? [`${file}: imports ${specifier}, but ${objection}`] : [];
    }),
  );

/** Every source file is reached from an entry point: by import, or by a string, a manifest or (a shell script) a document that names it. */
export const noDeadFiles: Rule = (tree) => {
  const alive = new Set([...tree.keys()].filter((file) => ENTRY.test(file)));
  for (const file of alive) for (const named of filesNamedIn(tree, file)) alive.add(named);
  const dead = [...tree.keys()].filter((file) => SOURCE.test(file) && !alive.has(file));
  return dead.map((file) => `${file}: nothing imports or runs this file, its own test apart`);
};

/** What is fine while writing and must not stay. */
export const noLeftovers: Rule = (tree) =>
  scripts(tree).flatMap(([file, text]) => {
    const { code, comments } = lex(text);
    const found: [RegExp, string, string][] = [
      [/\.(only|skip|todo)\(|\b(only|skip|todo):\s*true\b/, code, "a test is left out"],
      [/(:|\bas|<|\|)\s*any\b/, code, "any switches the type checker off"],
      [/@ts-(ignore|nocheck)/, comments, "the type checker is told to look away"],
      [/\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/, comments, "write TODO(#issue), or do it"],
    ];
    if (!MAY_PRINT.test(file)) found.push([/\bconsole\.log\(/, code, "use the logger"]);
    return found.flatMap(([pattern, where, why]) => {
      const match = where.match(pattern)?.[0];
      return match ? [`${file}: ${match.trim()} (${why})`] : [];
    });
  });

/** A file is named after the noun in it. */
export const namesSaySomething: Rule = (tree) =>
  [...tree.keys()]
    .filter((file) => SCRIPT.test(file) && /(^|[/-])(utils?|helpers?|common|misc)\./.test(file))
    .map((file) => `${file}: say what is in it`);

/** Versions are exact; the lock file has all that `npm ci` wants on any platform, and no registry's address. */
export const dependenciesArePinned: Rule = (tree) => {
  const ranges = manifestsIn(tree).flatMap(([path, { dependencies, devDependencies }]) =>
    Object.entries({ ...dependencies, ...devDependencies })
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version))
      .map(([name, version]) => `${path}: ${name} is "${version}", expected an exact version`),
  );
  const lock = tree.get("package-lock.json") ?? '{"packages":{}}';
  const urls = lock.match(/"resolved": "[a-z+]+:.*?"/g) ?? [];
  const locked: Record<string, Manifest> = JSON.parse(lock).packages;
  const stale = manifestsIn(tree)
    .filter(([path, manifest]) => {
      const entry = locked[posix.dirname(path).replace(/^\.$/, "")] ?? {};
      return (["dependencies", "devDependencies", "peerDependencies"] as const).some(
        (kind) => !isDeepStrictEqual(entry[kind] ?? {}, manifest[kind] ?? {}),
      );
    })
    .map(([path]) => `package-lock.json: does not agree with ${path} (npm install)`);
  const paths = Object.keys(locked);
  const leftOut = Object.values(locked)
    .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
    .filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)))
    .map((name) => `package-lock.json: lacks the optional ${name}, so npm ci will fail`);
  return [
    ...ranges,
    ...urls.map((url) => `package-lock.json: ${url} (npm install with omit-lockfile-registry-resolved)`),
    ...stale,
    ...leftOut,
  ];
};

/** Links between documents point at files that exist. */
export const linksPointSomewhere: Rule = (tree) =>
  [...tree].flatMap(([file, text]) => {
    if (!file.endsWith(".md")) return [];
    const prose = text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
    const links = [...prose.matchAll(/\]\(<?([^)\s>]+)|^\[[^\]]+\]:\s*(\S+)/gm)].map(
      (link) => link[1] ?? link[2] ?? "",
    );
    return links
      .filter((link) => !/^([a-z]+:|#)/i.test(link))
      .filter((link) => !exists(tree, posix.join(posix.dirname(file), decodeURI(link.replace(/[#?].*/, "")))))
      .map((link) => `${file}: links to ${link}, which does not exist`);
  });

/** The rules that need nothing but the tree, under the words a failing test shows. */
export const RULES: Record<string, Rule> = {
  "imports are declared": importsAreDeclared,
  "dependencies run one way": dependenciesRunOneWay,
  "no dead files": noDeadFiles,
  "no leftovers": noLeftovers,
  "names say something": namesSaySomething,
  "dependencies are pinned": dependenciesArePinned,
  "links point somewhere": linksPointSomewhere,
};

/** The codes in the first column of a Markdown table. */
export function codesDocumentedIn(text: string): string[] {
  return [...text.matchAll(/^\|\s*`([^`]+)`\s*\|/gm)].map(([, code]) => code ?? "");
}

/** The members of every exported `…Code` union of string literals in a package's sources. */
export function codesDeclaredIn(tree: Tree): string[] {
  return scripts(tree)
    .filter(([file]) => file.startsWith("packages/") && !TEST.test(file))
    .flatMap(([, text]) => {
      const { code, strings } = lex(text);
      const unions = [...code.matchAll(/\bexport type \w*Code\s*=([^;]*);/g)].map(([, union]) => union ?? "");
      return unions.flatMap((union) =>
        [...union.matchAll(/"(\d+)"/g)].map(([, index]) => strings[Number(index)] ?? ""),
      );
    });
}

/** What the documents and the code say differently about the error codes there are. */
export function codesThatDiffer(documented: string[], inCode: string[]): string[] {
  const twice = documented.filter((code, index) => documented.indexOf(code) !== index);
  return [
    ...new Set(inCode)
      .difference(new Set(documented))
      .values()
      .map((code) => `${code}: in code, not documented`),
    ...new Set(documented)
      .difference(new Set(inCode))
      .values()
      .map((code) => `${code}: documented, not in code`),
    ...twice.map((code) => `${code}: documented twice`),
  ];
}

// ---- which way dependencies run ----

function objectionTo(file: string, specifier: string, typeOnly: boolean): string | undefined {
  const relative = specifier.startsWith(".");
  const target = relative
    ? posix.join(posix.dirname(file), specifier)
    : specifier.replace(/^@holdfast\/simgen\b/, "apps/simgen").replace(/^@holdfast\//, "packages/");
  if (!relative && target === specifier) return;

  const from = placeOf(file);
  const to = placeOf(target);
  const isTest = TEST.test(file);
  if (from.area === to.area && from.part === to.part && from.area !== "apps") return;
  if (to.area === "packages" && relative) return "a package is used by its public name";
  if (from.area === "packages" || from.area === "apps") {
    if (to.area === "test" && isTest) return;
    if (to.area !== "packages" && to.area !== "apps") return `${from.area} know nothing of ${to.area}`;
  }
  if (isTest) return;
  if (TEST.test(target)) return "only tests import tests";
  if (from.area === "packages") {
    if (to.area === "apps") return "packages know nothing of the apps";
    if (!SIBLINGS[from.part]?.includes(to.part)) return `${from.part} stands alone`;
  }
  if (from.area === "drills" && to.area === "apps") return "drills use ports and commands only";
  if (from.area === "apps" && to.area === "apps") {
    if (from.layer === "sim" && to.layer !== "sim") return "sim knows nothing of what uses it";
    if (from.layer !== "web" && to.layer === "web") return "nothing imports the page";
    if (from.layer === "web" && to.layer === "server" && !typeOnly) return "the page takes only types from the server";
    if (from.layer === "cv" && to.layer === "server") return "cv knows nothing of what uses it";
    if (from.layer === "web" && to.layer === "cv" && !typeOnly && !target.endsWith("/cv/recognize.ts"))
      return "the page takes only the recogniser and types from cv";
  }
  return;
}

/** `apps/simgen/sim/scene.ts` is in the area apps, part simgen, layer sim. */
function placeOf(path: string): { area: string; part: string; layer: string } {
  const [area = "", part = "", layer = ""] = path.split("/");
  return { area, part: area === "packages" || area === "apps" ? part : "", layer };
}

// ---- reading a tree ----

interface Manifest {
  path?: string;
  name?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

function scripts(tree: Tree): [string, string][] {
  return [...tree].filter(([file]) => SCRIPT.test(file));
}

function manifestsIn(tree: Tree): [string, Manifest & { path: string }][] {
  const paths = [...tree.keys()].filter((path) => posix.basename(path) === "package.json");
  return paths.map((path) => [path, { ...JSON.parse(tree.get(path) ?? "{}"), path }]);
}

function manifestOf(tree: Tree, file: string): Manifest & { path: string } {
  const owners = manifestsIn(tree).filter(([path]) => file.startsWith(path.slice(0, -"package.json".length)));
  return owners.sort(([a], [b]) => b.length - a.length)[0]?.[1] ?? { path: "package.json" };
}

function exists(tree: Tree, path: string): boolean {
  const clean = path.replace(/\/$/, "");
  return clean === "." || tree.has(clean) || [...tree.keys()].some((file) => file.startsWith(`${clean}/`));
}

/** The source files that a file names, seen from its own folder or from the root; the file it tests does not count. */
function filesNamedIn(tree: Tree, file: string): string[] {
  const text = tree.get(file) ?? "";
  const wanted = file.endsWith(".md") ? /\.sh$/ : SOURCE;
  const references = [...text.matchAll(/^\/\/\/ <reference path="([^"]+)"/gm)].map(([, path]) => path ?? "");
  const words = SCRIPT.test(file)
    ? [...lex(text).strings, ...references]
    : [...text.matchAll(/[\w@./-]+/g)].map(([word]) => word);
  const tested = /^(apps|packages)\//.test(file) ? file.replace(/\.test\.ts$/, ".ts") : undefined;
  return words
    .filter((word) => wanted.test(word))
    .flatMap((word) => [posix.join(posix.dirname(file), word), posix.normalize(word)])
    .filter((path) => tree.has(path) && path !== tested);
}

function importsOf(text: string): { specifier: string; typeOnly: boolean }[] {
  const { code, strings } = lex(text);
  const imports = code.matchAll(
    /\b(?:import|export)\b(\s+type\b)?[^"();]*?\bfrom\s*"(\d+)"|\bimport\s*\(?\s*"(\d+)"|\bimport\.meta\.resolve\(\s*"(\d+)"/g,
  );
  return [...imports].map(([, type, ...indexes]) => ({
    specifier: strings[Number(indexes.find((index) => index !== undefined))] ?? "",
    typeOnly: type !== undefined,
  }));
}

const TOKEN =
  /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`|(?<=(?:[(,=:[!&|?{};>\n]|\breturn)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

/** A script without its comments, each string literal replaced by `"its index in strings"`, each regular expression by `//`. */
function lex(text: string): { code: string; comments: string; strings: string[] } {
  const strings: string[] = [];
  const comments: string[] = [];
  const code = text.replace(TOKEN, (token, comment, ...quoted) => {
    if (comment !== undefined) {
      comments.push(token);
      return " ";
    }
    const string = quoted.slice(0, 3).find((each) => each !== undefined);
    if (string === undefined) return "//";
    return `"${strings.push(string) - 1}"`;
  });
  return { code, comments: comments.join("\n"), strings };
}
