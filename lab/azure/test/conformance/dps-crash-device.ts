/**
 * A device process that registers over MQTT with the unmodified package, to see whether it lives.
 * Arguments: a JSON object `{address, registrationId, key}`. Exit code 0 = registered, 3 = the SDK
 * reported an error, anything else = it brought the process down.
 */
import { register } from './dps-device.ts';
import type { DpsAddress } from './dps-device.ts';

interface Order {
  readonly address: DpsAddress;
  readonly registrationId: string;
  readonly key: string;
}

const { address, registrationId, key } = JSON.parse(process.argv[2] ?? '') as Order;
try {
  const proof = { kind: 'key', key } as const;
  await register({ dps: address, transport: 'mqtt', registrationId, proof });
  process.exit(0);
} catch {
  process.exit(3);
}
