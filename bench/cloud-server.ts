/** The cloud of `bench/cloud.ts`, in a process of its own so that its memory can be told apart. */
import { startCloud } from '@holdfast/azure-lab';

export interface CloudReport {
  readonly ca: string;
  readonly dpsPort: number;
  readonly idScope: string;
  readonly connected: number;
  readonly messages: number;
  /** After a garbage collection, MB. */
  readonly residentMb: number;
  readonly heapMb: number;
  /** CPU time of the process so far. */
  readonly cpuMs: number;
}

const unlimited = {
  registrationsPerMinute: 1e9,
  pollsPerMinute: 1e9,
  devicePollsPer10Seconds: 1e9,
};
const cloud = await startCloud({
  hubs: ['hub-a', 'hub-b'].map((name) => ({ name, messages: { keep: 'counters' } as const })),
  dps: { settings: { limits: unlimited, retryAfterSeconds: 0 } },
});
cloud.dps.enrol({
  enrollmentGroupId: 'bench',
  attestation: {
    type: 'symmetricKey',
    symmetricKey: { primaryKey: process.env['GROUP_KEY'] ?? '' },
  },
});

process.on('message', (order) => {
  if (order === 'report') process.send?.(report());
  else void cloud.close().then(() => process.disconnect());
});
process.send?.(report());

function report(): CloudReport {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    ca: cloud.ca,
    dpsPort: cloud.dps.mqttPort,
    idScope: cloud.dps.idScope,
    connected: cloud.hubs.reduce((sum, hub) => sum + hub.connected, 0),
    messages: cloud.hubs.reduce((sum, hub) => sum + hub.messages.total, 0),
    residentMb: rss / 2 ** 20,
    heapMb: (heapUsed + external) / 2 ** 20,
    cpuMs: (user + system) / 1000,
  };
}
