import { colorName } from "./color.ts";
import type { Key } from "./lexicon.ts";
import type { Recipe } from "./recipe.ts";

/** A parameter's value and the attribute it came from. */
export interface Value {
  value: unknown;
  key: Key;
  /** From "heavy" or the like: it may be moved into range without a word. */
  vague?: boolean;
}

/** A value in the unit people would use: "50 cm", "30°", "2 kg", "red". */
export function formatValue(key: Key, value: unknown): string {
  if (typeof value === "string") return key === "color" ? colorName(value) : value.replaceAll("-", " ");
  if (typeof value !== "number") return "";
  const size = Math.abs(value);
  switch (key) {
    case "length":
    case "height":
    case "width":
    case "diameter":
    case "radius":
    case "size":
    case "spacing":
    case "displacement":
      if (size < 0.01 && size > 0) return `${round(value * 1000)} mm`;
      return size < 1 && size > 0 ? `${round(value * 100)} cm` : `${round(value)} m`;
    case "mass":
      return size < 1 && size > 0 ? `${round(value * 1000)} g` : `${round(value)} kg`;
    case "angle":
    case "tilt":
      return `${round((value * 180) / Math.PI)}°`;
    case "speed":
      return `${round(value)} m/s`;
    case "spin":
      return `${round((value * 30) / Math.PI)} rpm`;
    case "stiffness":
      return `${round(value)} N/m`;
    case "density":
      return `${round(value)} kg/m³`;
    default:
      return `${round(value)}`;
  }
}

/** What a parameter is called: "poleLength" is "pole length". */
export function labelOf(param: string, recipe?: Recipe): string {
  return recipe?.labels?.[param] ?? param.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** "3 pendulums", "length 50 cm", … : a machine and those of its parameters that were given. */
export function describeMachine(
  recipe: Recipe,
  copies: number,
  params: Readonly<Record<string, unknown>>,
  given: ReadonlyMap<string, Value>,
  defaults: Readonly<Record<string, unknown>>,
): string[] {
  const counted = recipe.head.count === "count";
  const many = counted ? Number(params.count ?? defaults.count) : copies;
  const lines = [many === 1 ? recipe.name[0] : `${many} ${recipe.name[1]}`];
  for (const [param, { key }] of given) {
    const value = params[param];
    if (value === undefined || (counted && param === "count")) continue;
    if (param === "count" || key === "count") {
      lines.push(`${value} ${labelOf(param, recipe)}`);
      continue;
    }
    const text = formatValue(recipe.units?.[param] ?? unitOf(param, key), value);
    lines.push(param === "color" || param === "material" ? text : `${labelOf(param, recipe)} ${text}`);
  }
  return lines;
}

/** "2 red steel balls, size 10 cm" */
export function describeItem(item: Readonly<Record<string, unknown>>, given: ReadonlyMap<string, Value>): string {
  const count = Number(item.count);
  const looks = [item.color, item.material].flatMap((each) => (typeof each === "string" ? [colorName(each)] : []));
  const things = count === 1 ? String(item.shape) : pluralShape(String(item.shape));
  const details = [...given.keys()].flatMap((param) => {
    const value = param === "velocity" && Array.isArray(item[param]) ? item[param][0] : item[param];
    if (param === "color" || param === "material" || value === undefined) return [];
    return [
      `${param === "velocity" ? "speed" : param} ${formatValue(param === "velocity" ? "speed" : (param as Key), value)}`,
    ];
  });
  return [[count, ...looks, things].join(" "), ...details].join(", ");
}

/** A parameter's own unit, where it differs from that of what was said: a diameter becomes a radius, both lengths. */
function unitOf(param: string, key: Key): Key {
  if (param === "friction" || param === "color" || param === "material" || param === "damping") return param;
  return key;
}

function pluralShape(shape: string): string {
  return shape === "box" ? "boxes" : `${shape}s`;
}

/** Three significant digits, without trailing zeros. */
function round(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
