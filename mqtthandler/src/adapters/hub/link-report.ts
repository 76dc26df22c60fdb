/**
 * `hub_sender:link`: how the newest attempt to reach the hub fared, for the provisioner, which decides
 * by it, and for the dashboard. Always the whole hash: a Redis that was wiped has it again soon.
 */
import { KEYS } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import type { ConnectOutcome } from '../../core/hub/classify.ts';

export interface LinkFields {
  /** `lost`: was connected and is not any more; `off`: no credentials, or the service has ended. */
  readonly state: 'connecting' | 'connected' | 'failed' | 'lost' | 'off';
  /** Of the credentials that were used. */
  readonly generation: string;
  /** Attempts at this generation, counted from 1. */
  readonly attempt: number;
  readonly outcome: ConnectOutcome | 'ok' | 'dropped' | '';
  /** For people; no secret. */
  readonly detail: string;
  /** Wall clock, milliseconds: of this change, of the newest connection, of the first failure since. */
  readonly atMs: number;
  readonly connectedMs: number;
  readonly failingSinceMs: number;
}

export const LINK_OFF: LinkFields = {
  state: 'off',
  generation: '',
  attempt: 0,
  outcome: '',
  detail: '',
  atMs: 0,
  connectedMs: 0,
  failingSinceMs: 0,
};

const STATES: readonly string[] = ['connecting', 'connected', 'failed', 'lost', 'off'];
const MAX_DETAIL = 300;

export class LinkReport {
  readonly #redis: Redis;
  #fields: LinkFields = LINK_OFF;

  constructor(redis: Redis) {
    this.#redis = redis;
    redis.on('ready', () => {
      // What it remembers may be older, or gone.
      if (this.#fields !== LINK_OFF) this.#write();
    });
  }

  get fields(): LinkFields {
    return this.#fields;
  }

  /** What an earlier life of this process has reported. Rejects with Redis' error. */
  async load(): Promise<LinkFields> {
    const stored = await this.#redis.hgetall(KEYS.hubLink.key);
    const state = stored['state'] ?? '';
    if (!STATES.includes(state)) return LINK_OFF;
    const number = (name: string) => Number(stored[name] ?? '') || 0;
    this.#fields = {
      state: state as LinkFields['state'],
      generation: stored['generation'] ?? '',
      attempt: number('attempt'),
      outcome: (stored['outcome'] ?? '') as LinkFields['outcome'],
      detail: stored['detail'] ?? '',
      atMs: number('at_ms'),
      connectedMs: number('connected_ms'),
      failingSinceMs: number('failing_since_ms'),
    };
    return this.#fields;
  }

  /** Never rejects; written again when Redis is back. */
  report(change: Partial<LinkFields>): void {
    this.#fields = { ...this.#fields, ...change };
    this.#write();
  }

  /** Writes it once more: somebody may have wiped Redis. */
  repeat(): void {
    this.#write();
  }

  #write(): void {
    const { state, generation, attempt, outcome, detail, atMs, connectedMs, failingSinceMs } =
      this.#fields;
    const time = (ms: number) => (ms === 0 ? '' : String(Math.round(ms)));
    this.#redis
      .hset(KEYS.hubLink.key, {
        state,
        generation,
        attempt,
        outcome,
        detail: detail.slice(0, MAX_DETAIL),
        at_ms: time(atMs),
        connected_ms: time(connectedMs),
        failing_since_ms: time(failingSinceMs),
      })
      .catch(() => {});
  }
}
