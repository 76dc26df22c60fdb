/** The connection to Redis, whose failures are logged on change. */
import { RepeatFilter, errorCode, errorMessage } from '@holdfast/kit';
import type { Log } from '@holdfast/kit';
import { openRedis } from '@holdfast/redis';
import type { ButtonLog } from '../events.ts';

/** Never fails: it keeps trying to connect until `disconnect`. */
export function connectRedis(
  settings: Parameters<typeof openRedis>[0],
  service: string,
  log: Log<ButtonLog>,
): ReturnType<typeof openRedis> {
  const failures = new RepeatFilter();
  const redis = openRedis(settings, service, (error) => {
    const code = errorCode(error);
    if (failures.shouldLog(code)) log.warn('redis_error', { code, error: errorMessage(error) });
  });
  redis.on('ready', () => failures.reset());
  return redis;
}
