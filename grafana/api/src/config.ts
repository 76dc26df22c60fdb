/** Configuration of the service: the only reader of process.env. */
import { flag, integer, loadConfig, secret, text } from '@holdfast/kit';
import { REDIS_ENV, redisSettings } from '@holdfast/redis';
import type { RedisSettings } from '@holdfast/redis';

export const ENV = {
  ...REDIS_ENV,
  DASHBOARD_PORT: integer({
    fallback: 8_080,
    min: 1,
    max: 65_535,
    help: 'TCP port of the page and of the routes',
  }),
  DASHBOARD_BIND: text({
    fallback: undefined,
    help: 'address to listen on; not set = all of them',
  }),
  DASHBOARD_REQUESTS_PER_SECOND: integer({
    fallback: 100,
    min: 1,
    max: 10_000,
    unit: '1/s',
    help: 'requests a client may send, with bursts of twice as many; Grafana is one client',
  }),
  DASHBOARD_CONTROL: flag({
    fallback: false,
    help: 'whether the page has a button that starts and stops measuring, for everybody who can open it',
  }),
  DASHBOARD_REDIS_USERNAME: text({
    fallback: 'dashboard',
    help: 'user for that button',
  }),
  DASHBOARD_REDIS_PASSWORD: secret({ help: 'password of that user; not set = no login' }),
  DASHBOARD_REDIS_PASSWORD_FILE: text({
    fallback: undefined,
    help: 'file that holds it instead; may appear after the service has started',
  }),
  BALENA_DEVICE_UUID: text({ fallback: undefined, help: 'shown in the title of the page' }),
  BALENA_DEVICE_NAME_AT_INIT: text({ fallback: undefined, help: 'shown instead' }),
  BALENA_APP_NAME: text({ fallback: undefined, help: 'shown with it' }),
} as const;

export type Config = ReturnType<typeof readConfig>;

/** @throws ConfigError naming every faulty variable */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env) {
  return loadConfig(ENV, env);
}

/** How the user that may switch measuring reaches Redis. */
export function controlSettings(config: Config): RedisSettings {
  return {
    ...redisSettings(config),
    username: config.DASHBOARD_REDIS_USERNAME,
    password: config.DASHBOARD_REDIS_PASSWORD,
    passwordFile: config.DASHBOARD_REDIS_PASSWORD_FILE,
  };
}

/** What people call the device; empty when nobody has said. */
export function deviceName(config: Config): string {
  const name = config.BALENA_DEVICE_NAME_AT_INIT ?? config.BALENA_DEVICE_UUID?.slice(0, 7);
  return [config.BALENA_APP_NAME, name].filter((part) => part !== undefined).join(' / ');
}
