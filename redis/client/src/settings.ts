/** The environment variables every service uses to reach Redis (contract, section 5). */
import { integer, secret, text } from '@holdfast/kit';
import type { ConfigOf } from '@holdfast/kit';
import type { RedisSettings } from './connection.ts';

/** Part of every service's configuration table. */
export const REDIS_ENV = {
  REDIS_HOST: text({ fallback: 'redis', help: 'name or address of the Redis server' }),
  REDIS_PORT: integer({ fallback: 6379, min: 1, max: 65_535, help: 'its TCP port' }),
  REDIS_DB: integer({ fallback: 0, min: 0, max: 15, help: 'its database' }),
  REDIS_USERNAME: text({ fallback: undefined, help: 'user; not set = no login' }),
  REDIS_PASSWORD: secret({ help: 'password of that user' }),
  REDIS_PASSWORD_FILE: text({
    fallback: undefined,
    help: 'file that holds the password instead; may appear after the service has started',
  }),
} as const;

export function redisSettings(env: ConfigOf<typeof REDIS_ENV>): RedisSettings {
  return {
    host: env.REDIS_HOST,
    port: env.REDIS_PORT,
    db: env.REDIS_DB,
    username: env.REDIS_USERNAME,
    password: env.REDIS_PASSWORD,
    passwordFile: env.REDIS_PASSWORD_FILE,
  };
}
