/** The MQTT broker as a destination, put together from the configuration. */
import { systemClock } from '@holdfast/kit';
import { MqttDestination } from './adapters/mqtt-destination.ts';
import { PayloadPool } from './adapters/payload-pool.ts';
import type { Commands } from './commands/wire.ts';
import { deviceOf } from './config.ts';
import type { Config, TlsMaterial } from './config.ts';
import { expandTopic } from './core/topic.ts';
import { openForwarder } from './destinations.ts';
import type { ForwarderConnections } from './destinations.ts';
import type { Forwarder } from './forwarder.ts';
import type { Report } from './forwarder-parts.ts';

export function openMqttForwarder(
  config: Config,
  { ca, cert, key }: TlsMaterial,
  connections: ForwarderConnections,
  { report, commands }: { readonly report: Report; readonly commands: Commands },
): Forwarder {
  const { MQTT_HOST: host } = config;
  if (host === undefined) throw new Error('no broker is configured');
  const device = deviceOf(config);
  const payloads = new PayloadPool();
  const destination = new MqttDestination(
    {
      host,
      port: config.MQTT_PORT ?? (config.MQTT_TLS_ENABLE ? 8883 : 1883),
      clientId: config.MQTT_CLIENT_ID ?? `holdfast-${device.uuid}`,
      username: config.MQTT_USERNAME,
      password: config.MQTT_PASSWORD,
      keepaliveSeconds: config.MQTT_KEEPALIVE_SECONDS,
      tls: config.MQTT_TLS_ENABLE
        ? { ca, cert, key, insecure: config.MQTT_TLS_INSECURE }
        : undefined,
      valuesTopic: expandTopic(config.MQTT_TOPIC_VALUES, device),
      maxPayloadBytes: config.MQTT_MAX_PAYLOAD_BYTES,
      maxInFlight: config.MQTT_IN_FLIGHT,
      pubackTimeoutMs: config.MQTT_PUBACK_TIMEOUT_SECONDS * 1_000,
      commands: commands.mqtt,
    },
    systemClock,
    payloads,
  );
  return openForwarder('mqtt', config, connections, {
    destination,
    payloads,
    report,
    maxInFlight: config.MQTT_IN_FLIGHT,
    commandLane: commands.lane('mqtt'),
  });
}
