/** What methods and twin need of the world. */
import type { JsonObject } from '../core/commands/json.ts';
import type { Carried } from '../core/hub/twin.ts';

/** The twin over a connection that is up. Everything rejects when the hub refuses or is silent. */
export interface TwinLink {
  /** Changes of the desired properties from now on, each with its `$version`. */
  onDesired(listener: (patch: JsonObject) => void): Promise<void>;
  readTwin(): Promise<{ readonly desired: JsonObject; readonly reported: JsonObject }>;
  /** Changes reported properties; null deletes. */
  reportTwin(patch: JsonObject): Promise<void>;
}

/** What was carried out of the desired properties. Rejects with Redis' or the connection's error. */
export interface TwinMemory {
  load(): Promise<Map<string, Carried>>;
  /** null = forget. */
  store(key: string, carried: Carried | null): Promise<void>;
}

/** A command in, its answer out: `reject` when there will be none. */
export type RunCommand = (members: JsonObject | Uint8Array) => Promise<JsonObject>;

export interface HubEvents {
  /** The hub sent something the SDK could not read, or refused what we reported. */
  hub_fault: { what: string; error: string };
  desired_set: { key: string; version: number; outcome: string };
}

export type HubReport = <K extends keyof HubEvents>(
  level: 'info' | 'warn',
  event: K,
  fields: HubEvents[K],
) => void;
