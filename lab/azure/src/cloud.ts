/** The whole lab in one object: an authority, DPS, hubs, their log and their faults. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@holdfast/kit';
import type { Clock, Random } from '@holdfast/kit';
import { createAuthority } from './certificates.ts';
import type { Authority } from './certificates.ts';
import { EventLog } from './event-log.ts';
import { Faults } from './faults.ts';
import { Hub } from './hub/hub.ts';
import type { HubOptions } from './hub/hub.ts';
import { MqttEndpoint } from './mqtt-endpoint.ts';
import type { HubDirectory } from './ports.ts';

export interface CloudOptions {
  /** Default `hub-a` and `hub-b`. */
  readonly hubs?: readonly (string | HubOptions)[];
  readonly clock?: Clock;
  readonly random?: Random;
  /** Address to listen on; default loopback. */
  readonly listenHost?: string;
  /** What devices call this machine; default `localhost`. */
  readonly publicName?: string;
  /** Further names the server certificate holds. */
  readonly serverNames?: readonly string[];
  /** One MQTT port for everything, told apart by the user name; default a free port each. */
  readonly mqttPort?: number;
  /** Where `ca.pem` is written; default a temporary folder that `close` removes. */
  readonly folder?: string;
}

export interface Cloud extends AsyncDisposable {
  /** PEM of the authority the server certificates are signed by. */
  readonly ca: string;
  /** The same as a file, for `NODE_EXTRA_CA_CERTS`. */
  readonly caFile: string;
  readonly authority: Authority;
  readonly hubs: readonly Hub[];
  readonly directory: HubDirectory;
  readonly log: EventLog;
  readonly faults: Faults;
  readonly clock: Clock;
  /** By name. @throws Error when there is none */
  hub(name: string): Hub;
  close(): Promise<void>;
}

/** Starts a cloud on loopback with free ports, unless told otherwise. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { clock = systemClock, random = systemRandom } = options;
  const log = new EventLog(clock);
  const faults = new Faults(random, log);
  const authority = await createAuthority('Holdfast lab root');
  const ca = authority.certificatePem;
  const hubs = (options.hubs ?? ['hub-a', 'hub-b']).map((hub) => {
    const hubOptions = typeof hub === 'string' ? { name: hub } : hub;
    return new Hub(hubOptions, { clock, log, faults, ca });
  });
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'azure-lab-')));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca);
  const endpoints = await listen(options, authority, hubs);
  const find = (name: string) => hubs.find((hub) => isNamed(hub, name));
  const close = async () => {
    await Promise.all(hubs.map((hub) => hub.close()));
    await Promise.all(endpoints.map((endpoint) => endpoint.stop()));
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  return {
    ca,
    caFile,
    authority,
    hubs,
    directory: { all: hubs, find },
    log,
    faults,
    clock,
    hub(name) {
      const hub = find(name);
      if (hub === undefined) throw new Error(`there is no hub "${name}"`);
      return hub;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function listen(
  options: CloudOptions,
  authority: Authority,
  hubs: readonly Hub[],
): Promise<readonly MqttEndpoint[]> {
  const {
    listenHost = '127.0.0.1',
    publicName = 'localhost',
    serverNames = [],
    mqttPort,
  } = options;
  const hosts = hubs.flatMap((hub) => [hub.host, `${hub.name}.azure-devices.net`]);
  const names = [publicName, 'localhost', ...hosts, ...serverNames, '127.0.0.1'];
  const server = await authority.issueServer([
    ...new Set(names.map((name) => name.replace(/:\d+$/, ''))),
  ]);
  const common = { listenHost, server, ca: authority.certificatePem };
  if (mqttPort !== undefined) {
    const endpoint = new MqttEndpoint({ ...common, port: mqttPort, services: hubs });
    await endpoint.start();
    return [endpoint];
  }
  const hubOptions = (hub: Hub) =>
    options.hubs?.find((one) => typeof one !== 'string' && one.name === hub.name);
  return Promise.all(
    hubs.map(async (hub) => {
      const own = hubOptions(hub);
      const port = (typeof own === 'object' ? own.port : undefined) ?? 0;
      const endpoint = new MqttEndpoint({ ...common, port, services: [hub] });
      await endpoint.start();
      hub.listenOn(endpoint, publicName);
      return endpoint;
    }),
  );
}

function isNamed(hub: Hub, name: string): boolean {
  const wanted = name.toLowerCase();
  return [hub.name, hub.host].some((known) => known.toLowerCase() === wanted);
}
