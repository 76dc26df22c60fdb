/**
 * Faults on demand: rules that say where, for whom, how often and what. Rules are plain data, so
 * that the admin API can take them. The first rule that applies wins.
 */
import type { Random } from '@holdfast/kit';
import type { EventLog } from './event-log.ts';

/** Where a rule can strike. */
export type FaultPoint =
  /** CONNECT at a hub. */
  | 'hub_connect'
  /** A device-to-cloud message. */
  | 'hub_publish'
  | 'hub_subscribe'
  | 'twin_get'
  | 'twin_patch'
  /** CONNECT at DPS (MQTT). */
  | 'dps_connect'
  | 'dps_register'
  | 'dps_poll'
  | 'dps_lookup';

export type FaultAction =
  /** MQTT return code instead of acceptance; `*_connect` only. */
  | { readonly kind: 'connack'; readonly code: 1 | 2 | 3 | 4 | 5 }
  /** An answer with this status; DPS and twin. */
  | {
      readonly kind: 'status';
      readonly status: number;
      /** Missing = the service sends no Retry-After. */
      readonly retryAfter?: { readonly seconds: number; readonly as?: 'seconds' | 'date' };
      /** Missing = as Azure words it; empty text and non-JSON are possible. */
      readonly body?: string;
    }
  /** Never processed, never answered; the connection stays. */
  | { readonly kind: 'hang' }
  /** The connection ends before anything is processed. */
  | { readonly kind: 'close' }
  /** Processed, not answered: an accepted message without PUBACK. */
  | { readonly kind: 'withhold' }
  /** Processed, then the connection ends without an answer. */
  | { readonly kind: 'process_and_close' }
  /** A good answer with this text for a body. */
  | { readonly kind: 'body'; readonly text: string }
  /** As without the rule; with `delayMs` a slow service. */
  | { readonly kind: 'pass' };

export interface FaultRule {
  readonly at: FaultPoint;
  readonly action: FaultAction;
  /** `dps` or the name of a hub; missing = any. */
  readonly service?: string;
  /** Device or registration id; `*` stands for any characters; missing = any. */
  readonly id?: string;
  /** How many times it strikes; missing = until removed. */
  readonly count?: number;
  /** How many that would match pass before: "close after n sends". */
  readonly skip?: number;
  /** From 0 to 1; missing = 1. */
  readonly probability?: number;
  /** Before the action, milliseconds. */
  readonly delayMs?: number;
}

/** What a service has to do now. */
export interface Fault {
  readonly action: FaultAction;
  readonly delayMs: number;
}

/** A rule in force. */
export interface ActiveFault {
  readonly id: number;
  readonly rule: FaultRule;
  /** How many times it struck. */
  readonly hits: number;
  remove(): void;
}

interface Entry {
  readonly id: number;
  readonly rule: FaultRule;
  readonly matches: (id: string) => boolean;
  passed: number;
  hits: number;
}

export class Faults {
  /**
   * What the clock of the cloud is ahead by, milliseconds; negative = behind. It counts where
   * tokens and certificates are judged, and in the `Date` header of DPS: for the device it looks
   * as if its own clock were wrong by as much the other way.
   */
  clockOffsetMs = 0;
  readonly #random: Random;
  readonly #log: EventLog;
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;

  constructor(random: Random, log: EventLog) {
    this.#random = random;
    this.#log = log;
  }

  add(rule: FaultRule): ActiveFault {
    this.#lastId += 1;
    const id = this.#lastId;
    const entry = { id, rule, matches: matcher(rule.id ?? '*'), passed: 0, hits: 0 };
    this.#entries.set(id, entry);
    return this.#active(entry);
  }

  /** Rules in force, oldest first. */
  get active(): readonly ActiveFault[] {
    return [...this.#entries.values()].map((entry) => this.#active(entry));
  }

  /** @returns whether there was such a rule */
  remove(id: number): boolean {
    return this.#entries.delete(id);
  }

  /** Ends every fault, the clock offset included. */
  clear(): void {
    this.#entries.clear();
    this.clockOffsetMs = 0;
  }

  /** For services: the fault for what arrives now, counted and logged; undefined = none. */
  take(at: FaultPoint, service: string, id: string): Fault | undefined {
    for (const entry of this.#entries.values()) {
      if (!this.#strikes(entry, at, service, id)) continue;
      entry.hits += 1;
      const { action, count, delayMs = 0 } = entry.rule;
      if (count !== undefined && entry.hits >= count) this.#entries.delete(entry.id);
      this.#log.append({ event: 'fault', service, at, action: action.kind, id });
      return { action, delayMs };
    }
    return undefined;
  }

  #strikes(entry: Entry, at: FaultPoint, service: string, id: string): boolean {
    const { rule } = entry;
    if (rule.at !== at || (rule.service !== undefined && rule.service !== service)) return false;
    if (!entry.matches(id)) return false;
    if (entry.passed < (rule.skip ?? 0)) {
      entry.passed += 1;
      return false;
    }
    return rule.probability === undefined || this.#random.next() < rule.probability;
  }

  #active(entry: Entry): ActiveFault {
    return {
      id: entry.id,
      rule: entry.rule,
      get hits() {
        return entry.hits;
      },
      remove: () => void this.#entries.delete(entry.id),
    };
  }
}

function matcher(pattern: string): (id: string) => boolean {
  if (pattern === '*') return () => true;
  const escaped = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${escaped.join('.*')}$`, 'i');
  return (id) => expression.test(id);
}
