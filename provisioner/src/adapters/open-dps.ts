import type { Dps } from '../ports.ts';
import type { DpsIdentity } from './dps-identity.ts';

/** Only what is used is loaded: each transport is some megabytes of packages. */
export async function openDps(transport: 'http' | 'mqtt', identity: DpsIdentity): Promise<Dps> {
  if (transport === 'http') return new (await import('./dps-http.ts')).HttpDps(identity);
  return new (await import('./dps-mqtt.ts')).MqttDps(identity);
}
