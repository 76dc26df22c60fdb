/** Commands about enrolments and provisioning. */
import type { JsonObject } from '../json.ts';
import { segment } from './client.ts';
import type { AdminClient } from './client.ts';
import { UsageError } from './command.ts';
import type { Command, Given, Option } from './command.ts';
import { ENROLMENT_OPTIONS, enrolmentJson } from './enrolment-options.ts';
import { say, sayConnection, sayJson, sayTable } from './print.ts';

const GROUP: Option = { value: 'NAME', help: 'the enrolment group of this name' };

/** Path of the enrolment named by an argument or by --group. */
function enrolmentPath(given: Given): string {
  const group = given.text('group');
  const [id] = given.args;
  if (group !== undefined) return `/enrolments/group/${segment(group)}`;
  if (id === undefined) throw new UsageError('name a device, or a group with --group');
  return `/enrolments/individual/${segment(id)}`;
}

async function setStatus(given: Given, client: AdminClient, isEnabled: boolean): Promise<void> {
  const hub = given.text('hub');
  const [device] = given.args;
  if (hub !== undefined && device !== undefined) {
    const path = `/hubs/${segment(hub)}/devices/${segment(device)}`;
    return sayJson(await client.call('PATCH', path, { enabled: isEnabled }));
  }
  const provisioningStatus = isEnabled ? 'enabled' : 'disabled';
  await client.call('PATCH', enrolmentPath(given), { provisioningStatus });
  say(`${given.text('group') ?? device}: ${provisioningStatus}`);
}

const STATUS_OPTIONS = {
  group: GROUP,
  hub: { value: 'HUB', help: 'the device at this hub (- = where it is), not its enrolment' },
};

export const dpsCommands: readonly Command[] = [
  {
    name: 'enrol',
    arguments: '[ID]',
    summary: 'enrols a device, or a group with --group; shows what the device needs',
    count: [0, 1],
    options: {
      group: GROUP,
      ...ENROLMENT_OPTIONS,
      'device-id': { value: 'ID', help: 'of the device at its hub; default its registration id' },
      disabled: { help: 'enrolled but not let in' },
    },
    async run(given, client) {
      const group = given.text('group');
      const [registrationId] = given.args;
      if ((group === undefined) === (registrationId === undefined)) {
        throw new UsageError('name either a device or a group');
      }
      const deviceId = given.text('device-id');
      const enrolment = await client.call('POST', '/enrolments', {
        ...enrolmentJson(given),
        ...(group === undefined ? {} : { enrollmentGroupId: group }),
        ...(registrationId === undefined ? {} : { registrationId }),
        ...(deviceId === undefined ? {} : { deviceId }),
        ...(given.flag('disabled') ? { provisioningStatus: 'disabled' } : {}),
      });
      if (given.flag('json') || registrationId === undefined) return sayJson(enrolment);
      if (given.text('cert') !== undefined || given.text('ca') !== undefined) {
        return say(`${registrationId} is enrolled with the certificate you gave`);
      }
      sayConnection((await client.call('POST', '/connection', { registrationId })) as JsonObject);
    },
  },
  {
    name: 'device',
    arguments: 'ID',
    summary: 'shows what a device needs to connect: endpoints, key or certificate, CA',
    count: [1, 1],
    options: {
      group: { ...GROUP, help: 'its group; default its own enrolment, or the only group' },
    },
    async run(given, client) {
      const [registrationId = ''] = given.args;
      const group = given.text('group');
      const order = { registrationId, ...(group === undefined ? {} : { group }) };
      const connection = (await client.call('POST', '/connection', order)) as JsonObject;
      if (given.flag('json')) return sayJson(connection);
      sayConnection(connection);
    },
  },
  {
    name: 'list',
    arguments: '[enrolments|registrations|hubs|devices]',
    summary: 'lists what there is',
    count: [0, 1],
    options: { hub: { value: 'HUB', help: 'devices of this hub only' } },
    async run(given, client) {
      const wanted = given.args[0] ?? 'enrolments';
      const rows = await listOf(wanted, given.text('hub'), client);
      if (given.flag('json')) return sayJson(rows);
      sayTable(rows, LISTS[wanted] ?? []);
    },
  },
  {
    name: 'unenrol',
    arguments: '[ID]',
    summary: 'deletes an enrolment; devices stay where they are until they register again',
    count: [0, 1],
    options: { group: GROUP },
    async run(given, client) {
      await client.call('DELETE', enrolmentPath(given));
      say('deleted');
    },
  },
  {
    name: 'disable',
    arguments: '[ID]',
    summary: 'disables an enrolment, or with --hub the device at its hub',
    count: [0, 1],
    options: STATUS_OPTIONS,
    run: (given, client) => setStatus(given, client, false),
  },
  {
    name: 'enable',
    arguments: '[ID]',
    summary: 'undoes disable',
    count: [0, 1],
    options: STATUS_OPTIONS,
    run: (given, client) => setStatus(given, client, true),
  },
  {
    name: 'move',
    arguments: '[ID] HUB',
    summary: 'sends a device to another hub: its old one shuts it out, so that it registers again',
    count: [1, 2],
    options: {
      group: { ...GROUP, help: 'all devices of this group, those still to come included' },
      gently: { help: 'do not shut it out: it moves when it next registers by itself' },
    },
    async run(given, client) {
      const group = given.text('group');
      const [registrationId = ''] = given.args;
      if (given.args.length !== (group === undefined ? 2 : 1)) {
        throw new UsageError('name a device and a hub, or a group with --group and a hub');
      }
      const who = group === undefined ? { registrationId } : { group };
      const order = { ...who, hub: given.args.at(-1) ?? '', gently: given.flag('gently') };
      sayJson(await client.call('POST', '/move', order));
    },
  },
];

const LISTS: Readonly<Record<string, readonly string[]>> = {
  enrolments: [
    'registrationId',
    'enrollmentGroupId',
    'attestation.type',
    'provisioningStatus',
    'allocationPolicy',
    'iotHubs',
  ],
  registrations: ['registrationId', 'status', 'substatus', 'assignedHub', 'lastUpdatedDateTimeUtc'],
  hubs: ['name', 'host', 'devices', 'connected', 'messages', 'usage.blocksToday'],
  devices: ['hub', 'deviceId', 'enabled', 'connected', 'authentication'],
};

async function listOf(
  wanted: string,
  hub: string | undefined,
  client: AdminClient,
): Promise<readonly JsonObject[]> {
  if (!Object.hasOwn(LISTS, wanted)) throw new UsageError(`there is no list of ${wanted}`);
  if (wanted !== 'devices') return client.list(`/${wanted}`);
  const names = hub === undefined ? await hubNames(client) : [hub];
  const lists = await Promise.all(
    names.map((name) => client.list(`/hubs/${segment(name)}/devices`)),
  );
  return lists.flat();
}

async function hubNames(client: AdminClient): Promise<readonly string[]> {
  return (await client.list('/hubs')).flatMap(({ name }) => (typeof name === 'string' ? name : []));
}
