/**
 * The twin of a device: tags, desired and reported properties with a version each. Rules: Azure's
 * "Understand and use device twins in IoT Hub" (merge by name, null deletes, 32 KB a section, tags
 * 8 KB, ten levels).
 */
import type { Json, JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { Twin, TwinContent } from '../ports.ts';

export const MAX_PROPERTIES_BYTES = 32_768;
export const MAX_TAGS_BYTES = 8_192;
const MAX_DEPTH = 10;

export function newTwin(content: Partial<TwinContent> = {}): Twin {
  return {
    tags: clean(content.tags ?? {}),
    desired: clean(content.desired ?? {}),
    reported: clean(content.reported ?? {}),
    desiredVersion: 1,
    reportedVersion: 1,
  };
}

/** The same twin with other content; versions go on. */
export function replacedTwin(twin: Twin, content: Partial<TwinContent>): Twin {
  return {
    ...newTwin(content),
    desiredVersion: twin.desiredVersion + 1,
    reportedVersion: twin.reportedVersion + 1,
  };
}

/** `patch` merged into `target`: null deletes, objects merge, everything else replaces. */
export function merged(target: JsonObject, patch: JsonObject): JsonObject {
  const result = new Map<string, Json>(Object.entries(target));
  for (const [name, value] of Object.entries(patch)) {
    const before = result.get(name);
    if (value === null) result.delete(name);
    else if (isJsonObject(value))
      result.set(name, merged(isJsonObject(before) ? before : {}, value));
    else result.set(name, value);
  }
  return Object.fromEntries(result);
}

/** What is wrong with a patch, in words; undefined = nothing. */
export function patchFault(before: JsonObject, patch: Json | undefined): string | undefined {
  if (!isJsonObject(patch)) return 'the patch is no JSON object';
  if (depth(patch) > MAX_DEPTH) return `more than ${MAX_DEPTH} levels`;
  const bytes = sizeBytes(merged(before, patch));
  if (bytes > MAX_PROPERTIES_BYTES) return `${bytes} bytes are more than ${MAX_PROPERTIES_BYTES}`;
  return undefined;
}

/** What a device gets for a read: `{desired: {..., $version}, reported: {..., $version}}`. */
export function twinForDevice(twin: Twin): JsonObject {
  return {
    desired: { ...twin.desired, $version: twin.desiredVersion },
    reported: { ...twin.reported, $version: twin.reportedVersion },
  };
}

/** Without `$version` and `$metadata`, which only the hub writes. */
export function clean(properties: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !name.startsWith('$')));
}

function sizeBytes(value: JsonObject): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

function depth(value: Json): number {
  if (!isJsonObject(value)) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depth));
}
