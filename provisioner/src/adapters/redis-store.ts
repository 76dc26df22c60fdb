/** The provisioner's keys in Redis. */
import { KEYS, Script, untilReady } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import type { HubOutcome, HubReport } from '../core/outcome.ts';
import type { Fields } from '../core/codec.ts';
import type { Inbox, Loaded, Store, Written } from '../ports.ts';

/** KEYS[1] string `provisioning:request`   ARGV[1] the request that was taken */
const TAKE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;

const take = new Script(TAKE);
const { provisioningState, provisioningRequest, hubAssignment, hubCredentials, hubLink } = KEYS;

export class RedisStore implements Store {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async untilReachable(signal: AbortSignal): Promise<void> {
    await untilReady(this.#redis, signal);
  }

  async load(): Promise<Loaded> {
    const state = await this.#redis.hgetall(provisioningState.key);
    const assignment = await this.#redis.hgetall(hubAssignment.key);
    const usedGeneration = Number(await this.#redis.hget(hubLink.key, 'generation')) || 0;
    return { state, assignment, usedGeneration };
  }

  /** Hashes are written anew as a whole: a field of an earlier kind of credential must not stay. */
  async save({ state, given }: Written): Promise<void> {
    const write = this.#redis.multi().del(provisioningState.key);
    write.hset(provisioningState.key, state).del(hubAssignment.key, hubCredentials.key);
    if (given !== 'none') {
      write.hset(hubAssignment.key, given.assignment);
      write.hset(hubCredentials.key, given.credentials);
    }
    await write.exec();
  }

  async inbox({ state, given }: Written): Promise<Inbox> {
    const replies = await this.#redis
      .multi()
      .get(provisioningRequest.key)
      .hgetall(hubLink.key)
      .hmget(provisioningState.key, 'written_ms', 'boot')
      .hmget(hubCredentials.key, 'generation', 'sas_token', 'not_before_ms')
      .exec();
    const [request, link, written, credentials] = (replies ?? []).map(([, reply]) => reply);
    const wanted = given === 'none' ? {} : given.credentials;
    const fields = ['generation', 'sas_token', 'not_before_ms'].map((name) => wanted[name]);
    return {
      request: typeof request === 'string' ? request : undefined,
      report: reportOf((link ?? {}) as Fields),
      intact: isSame(written, [state['written_ms'], state['boot']]) && isSame(credentials, fields),
    };
  }

  async takeRequest(request: string): Promise<void> {
    await take.run(this.#redis, [provisioningRequest.key], [request]);
  }
}

function isSame(found: unknown, wanted: readonly (string | undefined)[]): boolean {
  if (!Array.isArray(found)) return false;
  return wanted.every((value, i) => (found[i] ?? undefined) === value);
}

const STATES: readonly HubReport['state'][] = ['connected', 'connecting', 'failed', 'lost', 'off'];
const OUTCOMES: readonly HubOutcome[] = [
  ...(['ok', 'network', 'timeout', 'dropped'] as const),
  ...(['connack_1', 'connack_2', 'connack_3', 'connack_4', 'connack_5'] as const),
];

/** `hub_sender:link`; both times are of the mqtthandler's clock, so their difference can be used. */
export function reportOf(link: Fields): HubReport | undefined {
  const state = STATES.find((known) => known === link['state']);
  const outcome = OUTCOMES.find((known) => known === link['outcome']) ?? 'network';
  const generation = Number(link['generation']);
  if (state === undefined || !Number.isInteger(generation)) return undefined;
  const connectedMs = Number(link['connected_ms']) || 0;
  const atMs = Number(link['at_ms']) || 0;
  return {
    generation,
    attempt: Number(link['attempt']) || 0,
    atMs,
    state,
    outcome,
    detail: (link['detail'] ?? '').slice(0, 200),
    heldMs: connectedMs > 0 ? Math.max(0, atMs - connectedMs) : 0,
  };
}
