/** The other end: an MQTT subscriber whose session outlives its connection, QoS 1. */
import { connect } from 'mqtt';

const TOPIC = 'iot-projekt/device/+/values';
const RECONNECT_MS = 200;

/** Subscribes and resolves when the broker has confirmed; returns how to end it. */
export async function subscribe(
  port: number,
  onPayload: (payload: string) => void,
): Promise<() => Promise<void>> {
  const client = connect({
    host: '127.0.0.1',
    port,
    clientId: 'demo-subscriber',
    // The broker keeps what comes while we are away.
    clean: false,
    reconnectPeriod: RECONNECT_MS,
  });
  // Failed attempts are repeated; the processes' rows show why.
  client.on('error', () => {});
  client.on('message', (_topic, payload) => onPayload(payload.toString('utf8')));
  await client.subscribeAsync(TOPIC, { qos: 1 });
  return async () => client.endAsync(true);
}
