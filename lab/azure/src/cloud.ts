/** The whole lab in one object: an authority, DPS, hubs, their log and their faults. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@holdfast/kit';
import type { Clock, Random } from '@holdfast/kit';
import { createAuthority } from './certificates.ts';
import type { Authority, PemPair } from './certificates.ts';
import { startDps } from './dps/index.ts';
import type { Dps, DpsOptions, DpsSettings } from './dps/index.ts';
import { EventLog } from './event-log.ts';
import { Faults } from './faults.ts';
import { Hub } from './hub/hub.ts';
import type { HubOptions } from './hub/hub.ts';
import type { MqttService } from './mqtt-connection.ts';
import { startMqttEndpoint } from './mqtt-endpoint.ts';
import type { MqttEndpoint } from './mqtt-endpoint.ts';
import type { HubDirectory } from './ports.ts';
import { webSocketDoor } from './websocket.ts';

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
  /** Default a new one. */
  readonly authority?: Authority;
  readonly dps?: CloudDpsOptions;
}

export interface CloudDpsOptions {
  /** What devices call it; default the public name. */
  readonly host?: string;
  /** Default a free one. */
  readonly httpsPort?: number;
  /** Default a free one; without effect where one MQTT port serves all. */
  readonly mqttPort?: number;
  readonly settings?: Partial<DpsSettings>;
}

export interface Cloud extends AsyncDisposable {
  /** PEM of the authority the server certificates are signed by. */
  readonly ca: string;
  /** The same as a file, for `NODE_EXTRA_CA_CERTS`. */
  readonly caFile: string;
  readonly authority: Authority;
  readonly dps: Dps;
  readonly hubs: readonly Hub[];
  readonly directory: HubDirectory;
  readonly log: EventLog;
  readonly faults: Faults;
  readonly clock: Clock;
  /** The one port of all, when there is one. */
  readonly mqttPort: number | undefined;
  /** By name. @throws Error when there is none */
  hub(name: string): Hub;
  close(): Promise<void>;
}

/** Starts a cloud on loopback with free ports, unless told otherwise. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { clock = systemClock, random = systemRandom } = options;
  const log = new EventLog(clock);
  const faults = new Faults(random, log);
  const authority = options.authority ?? (await createAuthority('Holdfast lab root'));
  const ca = authority.certificatePem;
  const hubs = (options.hubs ?? ['hub-a', 'hub-b']).map((hub) => {
    const hubOptions = typeof hub === 'string' ? { name: hub } : hub;
    return new Hub(hubOptions, { clock, log, faults, ca });
  });
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'azure-lab-')));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca);
  const server = await serverCertificate(options, authority, hubs);
  const find = (name: string) => hubs.find((hub) => isNamed(hub, name));
  const directory = { all: hubs, find };
  const parts = { clock, log, faults, hubs: directory, server, caPem: ca };
  const endpoints: MqttEndpoint[] = [];
  const closeHubs = async () => {
    await Promise.all([...hubs.map((hub) => hub.close()), ...endpoints.map((one) => one.stop())]);
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  const dps = await listen(options, parts, hubs, endpoints).catch(async (error: unknown) => {
    await closeHubs();
    throw error;
  });
  const close = async () => {
    await dps.close();
    await closeHubs();
  };
  return {
    ca,
    caFile,
    authority,
    dps,
    hubs,
    directory,
    log,
    faults,
    clock,
    mqttPort: options.mqttPort === undefined ? undefined : endpoints[0]?.port,
    hub(name) {
      const hub = find(name);
      if (hub === undefined) throw new Error(`there is no hub "${name}"`);
      return hub;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Parts = Pick<DpsOptions, 'clock' | 'log' | 'faults' | 'hubs' | 'server' | 'caPem'>;

/**
 * DPS and hubs, each on a port of its own or all on one MQTT port. DPS comes last: when it cannot
 * listen, nothing but the endpoints is left to close.
 * @param endpoints gets those that listen
 */
async function listen(
  options: CloudOptions,
  parts: Parts,
  hubs: readonly Hub[],
  endpoints: MqttEndpoint[],
): Promise<Dps> {
  const { listenHost = '127.0.0.1', publicName = 'localhost', mqttPort } = options;
  const common = { listenHost, server: parts.server, ca: parts.caPem };
  const start = async (port: number, services: readonly MqttService[]) => {
    const endpoint = await startMqttEndpoint({ ...common, port, services });
    endpoints.push(endpoint);
    return endpoint;
  };
  if (mqttPort === undefined) {
    for (const hub of hubs) hub.listenOn(await start(hub.wantedPort, [hub]), publicName);
  }
  // WebSockets share the port of HTTPS, as with Azure; DPS joins when it is there.
  const services: MqttService[] = [...hubs];
  const serveMqtt = async (service: MqttService) => {
    services.push(service);
    return mqttPort === undefined
      ? start(options.dps?.mqttPort ?? 0, [service])
      : start(mqttPort, services);
  };
  const onUpgrade = webSocketDoor(services);
  return startDps({
    ...parts,
    listenHost,
    host: publicName,
    ...options.dps,
    serveMqtt,
    onUpgrade,
  });
}

/** One certificate for everything: hubs and DPS may share a port. */
async function serverCertificate(
  options: CloudOptions,
  authority: Authority,
  hubs: readonly Hub[],
): Promise<PemPair> {
  const { publicName = 'localhost', serverNames = [] } = options;
  const hosts = hubs.flatMap((hub) => [hub.host, `${hub.name}.azure-devices.net`]);
  const dpsHosts = [options.dps?.host ?? publicName, 'global.azure-devices-provisioning.net'];
  const names = [publicName, 'localhost', ...dpsHosts, ...hosts, ...serverNames, '127.0.0.1'];
  return authority.issueServer([...new Set(names.map((name) => name.replace(/:\d+$/, '')))]);
}

function isNamed(hub: Hub, name: string): boolean {
  const wanted = name.toLowerCase();
  return [hub.name, hub.host].some((known) => known.toLowerCase() === wanted);
}
