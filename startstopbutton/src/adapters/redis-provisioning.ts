/**
 * Asking for provisioning anew, in one atomic step with its event. The id of the press makes a
 * repeated attempt harmless: the provisioner may have taken the request away meanwhile.
 */
import type { Clock } from '@holdfast/kit';
import { KEEP_EVENTS, KEYS, Script } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import type { Press, Provisioning } from '../ports.ts';

/**
 * KEYS[1] string `provisioning:request`   KEYS[2] stream `events`   KEYS[3] status hash
 * ARGV[1] id, [2] service, [3] request, [4] events to keep, [5] age ms, [6] largest age ms
 * Returns requested | repeated | expired.
 */
const REQUEST = `
if redis.call('HGET', KEYS[3], 'last_request') == ARGV[1] then return 'repeated' end
local expired = tonumber(ARGV[5]) > tonumber(ARGV[6])
if expired then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*',
    'service', ARGV[2], 'event', 'press_discarded', 'source', 'button', 'age_ms', ARGV[5])
else
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*',
    'service', ARGV[2], 'event', 'reprovision_requested', 'source', 'button')
  redis.call('SET', KEYS[1], ARGV[3])
end
redis.call('HSET', KEYS[3], 'last_request', ARGV[1])
return expired and 'expired' or 'requested'
`;

const script = new Script(REQUEST);

export interface RedisProvisioningOptions {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly service: string;
  /** A press older than this is recorded as an event instead. */
  readonly maxAgeMs: number;
}

export class RedisProvisioning implements Provisioning {
  readonly #options: RedisProvisioningOptions;

  constructor(options: RedisProvisioningOptions) {
    this.#options = options;
  }

  async request(press: Press, ageMs: number): Promise<'requested' | 'repeated' | 'expired'> {
    const { redis, clock, service, maxAgeMs } = this.#options;
    const pressedAtMs = Math.round(clock.nowMs() - ageMs);
    const reply = await script.run(
      redis,
      [KEYS.provisioningRequest.key, KEYS.events.key, KEYS.buttonStatus.key],
      [press.id, service, `${pressedAtMs} button`, KEEP_EVENTS, Math.round(ageMs), maxAgeMs],
    );
    return reply as 'requested' | 'repeated' | 'expired';
  }
}
