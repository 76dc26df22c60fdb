/** `start`: a cloud in this process, until Ctrl+C. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAdmin } from '../admin/index.ts';
import { connectionOf } from '../admin/connection.ts';
import { createAuthority, loadAuthority } from '../certificates.ts';
import type { Authority } from '../certificates.ts';
import { startCloud } from '../cloud.ts';
import type { Cloud, CloudOptions } from '../cloud.ts';
import { tierLimits } from '../core/limits.ts';
import type { Tier } from '../core/limits.ts';
import type { DpsSettings } from '../dps/index.ts';
import { isJsonObject, parseJson } from '../json.ts';
import type { Json, JsonObject } from '../json.ts';
import { UsageError, columns } from './command.ts';
import type { Command, Given } from './command.ts';
import { ENROLMENT_OPTIONS, enrolmentJson } from './enrolment-options.ts';
import { eventLine, say, sayConnection } from './print.ts';

const PORT_BASE = 7_880;
const TIERS: readonly Tier[] = ['F1', 'S1', 'S2', 'S3'];

export const startCommand: Command = {
  name: 'start',
  arguments: '',
  summary: 'starts DPS and hubs in this process; everything but the CA is forgotten at its end',
  count: [0, 0],
  options: {
    hubs: { value: 'A,B,...', help: 'names of the hubs; default hub-a,hub-b' },
    'enrol-group': { value: 'NAME', multiple: true, help: 'an enrolment group to begin with' },
    enrol: { value: 'ID', multiple: true, help: 'a device to begin with' },
    ...ENROLMENT_OPTIONS,
    config: { value: 'FILE', help: 'JSON: {enrolments: [...], settings: {...}} to begin with' },
    'id-scope': { value: 'TEXT', help: 'default 0ne00000ABC' },
    quick: { help: 'DPS says Retry-After 0 instead of 3 while it assigns' },
    tier: { value: 'F1|S1|S2|S3', help: 'limits of the hubs; default none' },
    'port-base': {
      value: 'N',
      help: `admin API here, DPS HTTPS +1, DPS MQTT +2, hubs from +3; default ${PORT_BASE}`,
    },
    'https-port': { value: 'N', help: 'of DPS, e.g. 443' },
    'mqtt-port': {
      value: 'N',
      help: 'one port for DPS and all hubs, e.g. 8883; hubs by host name',
    },
    'public-name': { value: 'NAME', help: 'what devices call this machine; default localhost' },
    listen: { value: 'ADDRESS', help: 'for devices on other machines: 0.0.0.0; default 127.0.0.1' },
    'admin-listen': { value: 'ADDRESS', help: 'of the admin API; default 127.0.0.1' },
    folder: { value: 'DIR', help: 'for the CA and certificates; default in the temporary folder' },
    quiet: { help: 'do not print events' },
  },
  async run(given) {
    const config = readConfig(given.text('config'));
    await using cloud = await startCloud(await cloudOptions(given, config));
    const portBase = given.number('port-base') ?? PORT_BASE;
    const listenHost = given.text('admin-listen') ?? '127.0.0.1';
    await using admin = await startAdmin(cloud, { port: portBase, listenHost });
    enrolAll(cloud, given, config);
    await introduce(cloud, admin.port);
    if (!given.flag('quiet')) cloud.log.subscribe((event) => say(eventLine(asJson(event))));
    await new Promise<void>((resolve) => {
      process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
    });
  },
};

async function cloudOptions(given: Given, config: JsonObject): Promise<CloudOptions> {
  const folder = given.text('folder') ?? join(tmpdir(), 'holdfast-cloud');
  const portBase = given.number('port-base') ?? PORT_BASE;
  const mqttPort = given.number('mqtt-port');
  const tier = given.text('tier');
  const known = TIERS.find((name) => name === tier);
  if (tier !== undefined && known === undefined) throw new UsageError(`there is no tier ${tier}`);
  const names = (given.text('hubs') ?? 'hub-a,hub-b').split(',');
  const listenHost = given.text('listen');
  const publicName = given.text('public-name');
  return {
    folder,
    authority: await authorityIn(folder),
    hubs: names.map((name, index) => ({
      name,
      port: portBase + 3 + index,
      ...(known === undefined ? {} : { limits: tierLimits(known) }),
    })),
    ...(listenHost === undefined ? {} : { listenHost }),
    ...(publicName === undefined ? {} : { publicName }),
    ...(mqttPort === undefined ? {} : { mqttPort }),
    dps: {
      httpsPort: given.number('https-port') ?? portBase + 1,
      mqttPort: portBase + 2,
      settings: settings(given, config),
    },
  };
}

function settings(given: Given, config: JsonObject): Partial<DpsSettings> {
  const idScope = given.text('id-scope');
  const { settings } = config;
  return {
    ...(isJsonObject(settings) ? settings : {}),
    ...(idScope === undefined ? {} : { idScope }),
    ...(given.flag('quick') ? { retryAfterSeconds: 0 } : {}),
  };
}

/** The same authority at every start: devices that trust it go on doing so. */
async function authorityIn(folder: string): Promise<Authority> {
  mkdirSync(folder, { recursive: true });
  const [certificateFile, keyFile] = [join(folder, 'ca.pem'), join(folder, 'ca.key.pem')];
  if (existsSync(certificateFile) && existsSync(keyFile)) {
    const certificatePem = readFileSync(certificateFile, 'utf8');
    return loadAuthority({ certificatePem, keyPem: readFileSync(keyFile, 'utf8') });
  }
  const authority = await createAuthority('Holdfast local cloud');
  writeFileSync(certificateFile, authority.certificatePem);
  writeFileSync(keyFile, authority.keyPem, { mode: 0o600 });
  return authority;
}

function readConfig(file: string | undefined): JsonObject {
  if (file === undefined) return {};
  const json = parseJson(readFileSync(file, 'utf8'));
  if (isJsonObject(json)) return json;
  throw new UsageError(`${file} holds no JSON object`);
}

function enrolAll(cloud: Cloud, given: Given, config: JsonObject): void {
  const { enrolments } = config;
  if (Array.isArray(enrolments)) for (const one of enrolments) cloud.dps.enrol(one as Json);
  for (const name of given.list('enrol-group')) {
    cloud.dps.enrol({ ...enrolmentJson(given), enrollmentGroupId: name });
  }
  for (const registrationId of given.list('enrol')) {
    cloud.dps.enrol({ ...enrolmentJson(given), registrationId });
  }
}

async function introduce(cloud: Cloud, adminPort: number): Promise<void> {
  const { dps, hubs, caFile } = cloud;
  say(
    columns([
      ['admin API', `http://127.0.0.1:${adminPort}`],
      ['DPS', `https://${dps.endpoint}  (MQTT ${dps.mqttEndpoint})`],
      ['id scope', dps.idScope],
      ...hubs.map((hub) => ['hub', `${hub.name} at ${hub.host}`]),
      ['CA', caFile],
    ]),
  );
  for (const { scope, id, attestation } of dps.enrolments.all) {
    if (scope === 'group') {
      say(`\nGroup ${id}; what its device "my-device" needs:`);
      say(`  holdfast-cloud device my-device --group ${id}`);
    } else if (attestation.kind === 'symmetric_key' || attestation.caPem === cloud.ca) {
      say(`\nDevice ${id}:`);
      sayConnection(asJson(await connectionOf(cloud, id, undefined)));
    }
  }
  say('');
}

function asJson(value: object): JsonObject {
  return { ...value };
}
