/**
 * Every Redis key of the device, in one place: the contract between the containers.
 * `redis/README.md` lists the same table; a test compares the two.
 */

export type KeyType = 'string' | 'hash' | 'stream';

/** What a remote command may do with a key; `get_config`/`set_config` refuse everything else. */
export type RemoteAccess = 'none' | 'get' | 'get_set';

/** What a string value may be; checked before a remote `set_config` and by the readers. */
export type ValueRule =
  | { readonly kind: 'flag' }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'stream_id' };

export interface KeySpec {
  readonly key: string;
  readonly type: KeyType;
  readonly writers: string;
  readonly readers: string;
  /** Unit of a string value; `-` where it has none. */
  readonly unit: string;
  readonly remote: RemoteAccess;
  readonly value?: ValueRule;
  readonly meaning: string;
}

const flag: ValueRule = { kind: 'flag' };
const streamId: ValueRule = { kind: 'stream_id' };

export const KEYS = {
  values: {
    key: 'measurement:values',
    type: 'stream',
    writers: 'sensor, other programs',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'one entry per measurement of one sensor: the buffer',
  },
  sequence: {
    key: 'measurement:sequence',
    type: 'hash',
    writers: 'sensor',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'run_id, epoch and seq of the newest reading; the count is kept in memory only',
  },
  enabled: {
    key: 'measurement:enabled',
    type: 'string',
    writers: 'startstopbutton, commands, dashboard',
    readers: 'sensor, startstopbutton, grafana',
    unit: '-',
    remote: 'get_set',
    value: flag,
    meaning: '`0` = paused, anything else or missing = measuring',
  },
  interval: {
    key: 'measurement:interval',
    type: 'string',
    writers: 'commands',
    readers: 'sensor',
    unit: 's',
    remote: 'get_set',
    value: { kind: 'number', min: 0.01, max: 86_400 },
    meaning: 'time between measurements; missing = `INTERVAL_SECONDS`',
  },
  mqttEnabled: {
    key: 'mqtt_sender:enabled',
    type: 'string',
    writers: 'commands',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'get_set',
    value: flag,
    meaning: '`0` = forwarding to the MQTT broker paused',
  },
  mqttInterval: {
    key: 'mqtt_sender:interval',
    type: 'string',
    writers: 'commands',
    readers: 'mqtthandler',
    unit: 's',
    remote: 'get_set',
    value: { kind: 'number', min: 0, max: 3_600 },
    meaning: 'longest time a reading may wait to be batched with others; missing = at once',
  },
  mqttLastId: {
    key: 'mqtt_sender:last_id',
    type: 'string',
    writers: 'mqtthandler, commands',
    readers: 'mqtthandler, grafana',
    unit: 'stream id',
    remote: 'get_set',
    value: streamId,
    meaning: 'everything up to this id is acknowledged; setting it back replays from there',
  },
  mqttPending: {
    key: 'mqtt_sender:pending',
    type: 'string',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: 'stream ids',
    remote: 'none',
    meaning: 'ranges beyond `last_id` still to be sent while a backlog drains beside the live lane',
  },
  mqttMark: {
    key: 'mqtt_sender:mark',
    type: 'string',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning:
      'epoch and seq of our last reading up to `last_id`, and up to each end of `pending`: what is removed behind is noticed',
  },
  mqttGaps: {
    key: 'mqtt_sender:gaps',
    type: 'stream',
    writers: 'mqtthandler',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'gap records waiting to be delivered to the MQTT broker',
  },
  mqttRejected: {
    key: 'mqtt_sender:rejected',
    type: 'stream',
    writers: 'mqtthandler',
    readers: 'people',
    unit: '-',
    remote: 'none',
    meaning: 'readings the destination could not take (too large), put aside; the newest 100',
  },
  hubEnabled: {
    key: 'hub_sender:enabled',
    type: 'string',
    writers: 'commands',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'get_set',
    value: flag,
    meaning: '`0` = forwarding to the IoT Hub paused',
  },
  hubInterval: {
    key: 'hub_sender:interval',
    type: 'string',
    writers: 'commands',
    readers: 'mqtthandler',
    unit: 's',
    remote: 'get_set',
    value: { kind: 'number', min: 0, max: 3_600 },
    meaning:
      'longest time a reading may wait for a metering block to be full; missing = `HUB_INTERVAL_SECONDS`',
  },
  hubLastId: {
    key: 'hub_sender:last_id',
    type: 'string',
    writers: 'mqtthandler, commands',
    readers: 'mqtthandler, grafana',
    unit: 'stream id',
    remote: 'get_set',
    value: streamId,
    meaning: 'as `mqtt_sender:last_id`, for the IoT Hub',
  },
  hubPending: {
    key: 'hub_sender:pending',
    type: 'string',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: 'stream ids',
    remote: 'none',
    meaning: 'as `mqtt_sender:pending`, for the IoT Hub',
  },
  hubMark: {
    key: 'hub_sender:mark',
    type: 'string',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning: 'as `mqtt_sender:mark`, for the IoT Hub',
  },
  hubGaps: {
    key: 'hub_sender:gaps',
    type: 'stream',
    writers: 'mqtthandler',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'gap records waiting to be delivered to the IoT Hub',
  },
  hubRejected: {
    key: 'hub_sender:rejected',
    type: 'stream',
    writers: 'mqtthandler',
    readers: 'people',
    unit: '-',
    remote: 'none',
    meaning: 'as `mqtt_sender:rejected`, for the IoT Hub',
  },
  hubLink: {
    key: 'hub_sender:link',
    type: 'hash',
    writers: 'mqtthandler',
    readers: 'provisioner, grafana',
    unit: '-',
    remote: 'none',
    meaning:
      'how the newest attempt to reach the IoT Hub fared: state, outcome, generation of the credentials',
  },
  hubTwin: {
    key: 'hub_sender:twin',
    type: 'hash',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning: 'desired properties carried out, with their version: each is carried out once',
  },
  commandInbox: {
    key: 'commands:inbox',
    type: 'stream',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning: 'remote commands taken and not yet carried out',
  },
  commandOutbox: {
    key: 'commands:outbox',
    type: 'stream',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning: 'answers not yet delivered; about the newest 1000',
  },
  commandRecords: {
    key: 'commands:records',
    type: 'hash',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning: 'ids of commands with their answers, so that each is carried out once; 500 and 7 days',
  },
  commandExports: {
    key: 'commands:exports',
    type: 'hash',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning: 'ranges being sent again for `send_measurements`, and how far each is',
  },
  commandReboot: {
    key: 'commands:reboot',
    type: 'string',
    writers: 'mqtthandler',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning: 'the reboot that was asked for, until it is answered; with the boot id before it',
  },
  hubAssignment: {
    key: 'hub:assignment',
    type: 'hash',
    writers: 'provisioner',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'the IoT Hub this device belongs to, by whom it was assigned, and what came with it',
  },
  hubCredentials: {
    key: 'hub:credentials',
    type: 'hash',
    writers: 'provisioner',
    readers: 'mqtthandler',
    unit: '-',
    remote: 'none',
    meaning: 'which IoT Hub to connect to, as which device, with which token or certificate files',
  },
  provisioningState: {
    key: 'provisioning:state',
    type: 'hash',
    writers: 'provisioner',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'state, reason and next attempt of provisioning, and what a restart goes on from',
  },
  provisioningRequest: {
    key: 'provisioning:request',
    type: 'string',
    writers: 'startstopbutton, mqtthandler, provisioner',
    readers: 'provisioner, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'newest request to provision anew: its unix ms and source; the provisioner deletes it',
  },
  events: {
    key: 'events',
    type: 'stream',
    writers: 'all',
    readers: 'grafana',
    unit: '-',
    remote: 'none',
    meaning: 'state changes worth drawing on a time line; about the newest 1000',
  },
  redisStatus: {
    key: 'redis:status',
    type: 'hash',
    writers: 'redis',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'start and repairs of the data file',
  },
  sensorStatus: {
    key: 'sensor:status',
    type: 'hash',
    writers: 'sensor',
    readers: 'mqtthandler, startstopbutton, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'state of measuring and of each sensor, counters, last error',
  },
  buttonStatus: {
    key: 'startstopbutton:status',
    type: 'hash',
    writers: 'startstopbutton',
    readers: 'mqtthandler, sensor, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'state of the button line, presses counted, last error',
  },
  provisionerStatus: {
    key: 'provisioner:status',
    type: 'hash',
    writers: 'provisioner',
    readers: 'mqtthandler, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'state of provisioning, hub, life of the token, counters, last error',
  },
  handlerStatus: {
    key: 'mqtthandler:status',
    type: 'hash',
    writers: 'mqtthandler',
    readers: 'startstopbutton, grafana',
    unit: '-',
    remote: 'none',
    meaning: 'state of the link, backlog, counters, last error',
  },
} as const satisfies Record<string, KeySpec>;

export type KeyName = keyof typeof KEYS;

/** The specification of a key by its Redis name, for `get_config` and `set_config`. */
export function keySpec(key: string): KeySpec | undefined {
  return Object.values<KeySpec>(KEYS).find((spec) => spec.key === key);
}

/** The key table as Markdown, for `redis/README.md`. */
export function keyTableMarkdown(): string {
  const rows = Object.values<KeySpec>(KEYS).map(
    (s) =>
      `| \`${s.key}\` | ${s.type} | ${s.unit} | ${s.writers} | ${s.readers} | ${s.remote} | ${s.meaning} |`,
  );
  return [
    '| key | type | unit | written by | read by | remote | meaning |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
