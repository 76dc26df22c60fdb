/** A device that registers with the official packages, over either transport, by key or certificate. */
import { Agent } from 'node:https';
import httpBase from 'azure-iot-http-base';
import mqttBase from 'azure-iot-mqtt-base';
import provisioning from 'azure-iot-provisioning-device';
import provisioningHttp from 'azure-iot-provisioning-device-http';
import provisioningMqtt from 'azure-iot-provisioning-device-mqtt';
import symmetricKey from 'azure-iot-security-symmetric-key';
import x509 from 'azure-iot-security-x509';

export type TransportName = 'http' | 'mqtt';
export const TRANSPORTS: readonly TransportName[] = ['http', 'mqtt'];

/** Where DPS is. */
export interface DpsAddress {
  readonly host: string;
  readonly httpsPort: number;
  readonly mqttPort: number;
  readonly idScope: string;
  /** PEM; undefined = the authorities this system trusts. */
  readonly ca: string | undefined;
}

export type DeviceProof =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'certificate'; readonly certificatePem: string; readonly keyPem: string };

export interface RegistrationOrder {
  readonly dps: DpsAddress;
  readonly transport: TransportName;
  readonly registrationId: string;
  readonly proof: DeviceProof;
  readonly payload?: object;
}

/** What `register()` resolves to. */
export type Registered = Record<string, unknown>;

/** One attempt, as an unmodified SDK makes it. Rejects with the SDK's own error. */
export async function register(order: RegistrationOrder): Promise<Registered> {
  const { dps, transport, registrationId, proof } = order;
  const agent = httpsAgent(dps);
  const security =
    proof.kind === 'key'
      ? new symmetricKey.SymmetricKeySecurityClient(registrationId, proof.key)
      : new x509.X509Security(registrationId, { cert: proof.certificatePem, key: proof.keyPem });
  const client = provisioning.ProvisioningDeviceClient.create(
    transport === 'http' ? dps.host : `${dps.host}:${dps.mqttPort}`,
    dps.idScope,
    transport === 'http' ? httpTransport(agent) : mqttTransport(dps),
    security,
  );
  if (order.payload !== undefined) client.setProvisioningPayload(order.payload);
  try {
    return (await client.register()) as unknown as Registered;
  } finally {
    agent.destroy();
  }
}

/** The HTTP transport takes no port in the host: the agent brings it. */
function httpsAgent({ httpsPort, ca }: DpsAddress): Agent {
  const agent = new Agent(ca === undefined ? {} : { ca });
  Object.assign(agent, { defaultPort: httpsPort });
  return agent;
}

function httpTransport(agent: Agent) {
  const base = new httpBase.Http();
  base.setOptions({ http: { agent } });
  return new provisioningHttp.Http(base);
}

function mqttTransport({ ca }: DpsAddress) {
  const base = new mqttBase.MqttBase();
  if (ca !== undefined) base.setOptions({ ca });
  return new provisioningMqtt.Mqtt(base);
}

/** The error of a promise that must not resolve. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: unknown }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('it should have failed');
}
