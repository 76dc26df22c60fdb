/** One of Holdfast's own services, run as on the device: `node <service>/dist/main.js`. */
import { fileURLToPath } from 'node:url';
import { ManagedProcess } from './process.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The bundle of a service; `make build` makes it. */
export function serviceBundle(service: string): string {
  return `${ROOT}${service}/dist/main.js`;
}

/** A service ready to be started; it gets these variables and no others. */
export function service(name: string, env: Readonly<Record<string, string>>): ManagedProcess {
  return new ManagedProcess({
    name,
    command: process.execPath,
    args: ['--enable-source-maps', serviceBundle(name)],
    env,
    cwd: '/',
  });
}
