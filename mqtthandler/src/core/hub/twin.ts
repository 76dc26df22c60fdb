/**
 * The device twin: desired properties under `config` set the keys that `set_config` may set, reported
 * properties show what came of it.
 *
 * A desired value is carried out when it changes, not at each connection: what somebody has changed
 * here since is not undone by a reconnect. What was carried out is remembered with its version; a
 * wiped Redis forgets it, and then everything desired is carried out again.
 */
import { isObject } from '../commands/json.ts';
import type { JsonObject } from '../commands/json.ts';

/** A desired value to be carried out; null = it is no longer desired. */
export interface Wish {
  readonly key: string;
  readonly value: unknown;
  readonly version: number;
}

/** What became of a wish. */
export interface Carried {
  /** JSON text of the desired value. */
  readonly desired: string;
  readonly version: number;
  /** `done`, or the code of the error. */
  readonly outcome: string;
  readonly message?: string;
}

/** More keys than there are to set; a twin holds 32 KB. */
const MAX_WISHES = 50;
const MAX_KEY_CHARACTERS = 64;

/** The version of a document or a change of it; 0 when it has none. */
export function versionOf(desired: JsonObject): number {
  const version = desired['$version'];
  return typeof version === 'number' ? version : 0;
}

/**
 * What is to be done about desired properties.
 * @param whole they are the whole document, not a change to it
 */
export function wishesOf(
  desired: JsonObject,
  carried: ReadonlyMap<string, Carried>,
  whole: boolean,
): Wish[] {
  const { config } = desired;
  const wanted = isObject(config) ? config : {};
  const version = versionOf(desired);
  const wishes: Wish[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    if (key.startsWith('$') || key.length > MAX_KEY_CHARACTERS) continue;
    const known = carried.get(key);
    // A change that names the same value again is meant: somebody wants it back.
    const done = known?.desired === JSON.stringify(value) && !isPassing(known);
    if (whole && done) continue;
    if (value === null && known === undefined) continue;
    wishes.push({ key, value, version });
  }
  if (whole) {
    const gone = [...carried.keys()].filter((key) => !Object.hasOwn(wanted, key));
    wishes.push(...gone.map((key) => ({ key, value: null, version })));
  } else if (config === null) {
    wishes.push(...[...carried.keys()].map((key) => ({ key, value: null, version })));
  }
  return wishes.slice(0, MAX_WISHES);
}

/** Whether a change to desired properties takes a key back: by itself, or `config` as a whole. */
export function withdraws({ config }: JsonObject, key: string): boolean {
  return config === null || (isObject(config) && config[key] === null);
}

/** What a wish has come to, by the engine's answer. */
export function carriedOut({ value, version }: Wish, answer: JsonObject): Carried {
  const desired = JSON.stringify(value);
  const { error } = answer;
  if (!isObject(error)) return { desired, version, outcome: 'done' };
  const { code, message } = error;
  return { desired, version, outcome: String(code), message: String(message) };
}

/** Outcomes that say nothing against the value: the same again may work. */
const PASSING = new Set(['rate_limited', 'busy', 'failed']);

/** Whether a wish is still to be carried out, because it could not be for now. */
export function isPassing({ outcome }: Carried): boolean {
  return PASSING.has(outcome);
}

/** The reported section `config`: every key's present value, and what came of the desired one. */
export function reportedConfig(
  values: ReadonlyMap<string, string | null>,
  carried: ReadonlyMap<string, Carried>,
): JsonObject {
  const keys = new Set([...values.keys(), ...carried.keys()]);
  const entries = [...keys].map((key) => {
    const value = values.get(key) ?? null;
    const known = carried.get(key);
    const outcome =
      known === undefined
        ? {}
        : {
            version: known.version,
            outcome: known.outcome,
            ...(known.message === undefined ? {} : { message: known.message.slice(0, 500) }),
          };
    return [key, { ...(value === null ? {} : { value: value.slice(0, 500) }), ...outcome }];
  });
  // A key that is missing and not desired is not mentioned: an empty object would say nothing.
  return Object.fromEntries(
    entries.filter(([, shown]) => typeof shown === 'object' && Object.keys(shown).length > 0),
  ) as JsonObject;
}

/**
 * The change that turns reported properties from `known` into `wanted`, sections that are not in
 * `wanted` left alone; undefined when there is none. null deletes, so a member that is wanted to be
 * null is wanted to be missing.
 */
export function patchOf(known: JsonObject, wanted: JsonObject): JsonObject | undefined {
  const patch: Record<string, unknown> = {};
  for (const [section, value] of Object.entries(wanted)) {
    const before = known[section];
    const gone = value === null && before === undefined;
    const change = gone ? undefined : changeOf(before, withoutNulls(value));
    if (change !== undefined) patch[section] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** A document cannot hold a null; inside lists, which are replaced as a whole, it can. */
function withoutNulls(value: unknown): unknown {
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
}

function changeOf(known: unknown, wanted: unknown): unknown {
  if (!isObject(wanted) || !isObject(known)) {
    return JSON.stringify(known) === JSON.stringify(wanted) ? undefined : wanted;
  }
  const change: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(known), ...Object.keys(wanted)])) {
    if (name.startsWith('$')) continue;
    const part = Object.hasOwn(wanted, name) ? changeOf(known[name], wanted[name]) : null;
    if (part !== undefined) change[name] = part;
  }
  return Object.keys(change).length === 0 ? undefined : change;
}

/** The document after a change, as the hub keeps it: null deletes, objects are merged. */
export function patched(known: JsonObject, patch: JsonObject): JsonObject {
  const result: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      delete result[name];
      continue;
    }
    const before = result[name];
    result[name] = isObject(value) ? patched(isObject(before) ? before : {}, value) : value;
  }
  return result;
}

export function encodeCarried(carried: Carried): string {
  return JSON.stringify(carried);
}

/** Undefined for what no record of ours looks like. */
export function decodeCarried(text: string): Carried | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    const { desired, version, outcome } = value;
    const ours = typeof desired === 'string' && typeof version === 'number';
    return ours && typeof outcome === 'string' ? (value as unknown as Carried) : undefined;
  } catch {
    return undefined;
  }
}
