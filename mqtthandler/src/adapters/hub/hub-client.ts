/**
 * One connection to an IoT Hub over the official SDK, made for one attempt and never used again: the
 * SDK does not subscribe anew when it reconnects, and its retrying cannot be stopped. Nothing is
 * called on it unless it is connected, because the SDK would connect behind our back.
 */
import azureDevice from 'azure-iot-device';
import azureDeviceMqtt from 'azure-iot-device-mqtt';
import azureCommon from 'azure-iot-common';
import { errorMessage } from '@holdfast/kit';
import { connectOutcome } from '../../core/hub/classify.ts';
import type { ConnectOutcome } from '../../core/hub/classify.ts';
import type { HubCredentials } from '../../core/hub/credentials.ts';
import { CONTENT_ENCODING, CONTENT_TYPE } from '../../core/hub/wire.ts';
import type { JsonObject } from '../../core/commands/json.ts';
import { isObject } from '../../core/commands/json.ts';
import type { TwinLink } from '../../hub/ports.ts';
import { withDeadline } from './deadline.ts';
import { GuardedBase } from './guarded-base.ts';
import type { RawClient } from './guarded-base.ts';
import type { HubConnection } from './hub-session.ts';

export interface HubClientSettings {
  readonly keepaliveSeconds: number;
  /** PEM of the authority to trust instead of the well-known ones. */
  readonly ca: string | undefined;
  /** PEM texts for X.509 credentials. */
  readonly x509: { readonly cert: string; readonly key: string } | undefined;
  /** A message without PUBACK for so long counts as lost for the SDK; we give up earlier. */
  readonly pubackTimeoutMs: number;
  /** The SDK could not read something the hub has sent. */
  readonly onFault: (error: unknown) => void;
}

/** An attempt that led to no connection. */
export class HubRefused extends Error {
  override readonly name = 'HubRefused';
  readonly outcome: ConnectOutcome;

  constructor(outcome: ConnectOutcome, message: string) {
    super(message);
    this.outcome = outcome;
  }
}

/** Answers a direct method: status and the body's value. */
export type MethodResponder = (status: number, body: unknown) => void;

const CONNECT_TIMEOUT_MS = 20_000;
/** A goodbye that gets no further is cut off. */
const GOODBYE_MS = 1_000;
const TWIN_TIMEOUT_MS = 30_000;

export class HubClient implements HubConnection, TwinLink {
  readonly closed: Promise<string>;
  readonly #client: azureDevice.Client;
  readonly #transport: azureDeviceMqtt.Mqtt;
  readonly #raw: () => RawClient | undefined;
  readonly #unanswered = new Set<(acknowledged: boolean) => void>();
  #connected = true;

  private constructor(
    client: azureDevice.Client,
    transport: azureDeviceMqtt.Mqtt,
    raw: () => RawClient | undefined,
  ) {
    this.#client = client;
    this.#transport = transport;
    this.#raw = raw;
    this.closed = new Promise((resolve) => {
      const gone = (why: string) => {
        this.#connected = false;
        resolve(why);
      };
      client.on('disconnect', (event: unknown) => gone(wordsOf(event)));
      raw()?.on('close', () => gone('the connection was closed'));
    });
  }

  /** Makes one attempt. Rejects with HubRefused. */
  static async open(
    credentials: HubCredentials,
    settings: HubClientSettings,
    signal: AbortSignal,
  ): Promise<HubClient> {
    let raw: RawClient | undefined;
    let rawError: unknown;
    const base = new GuardedBase(
      CONNECT_TIMEOUT_MS,
      (client) => {
        raw = client;
        // Stays for good: a late error of a client we have given up must not end the process.
        client.on('error', (error) => {
          rawError ??= error;
        });
      },
      settings.onFault,
    );
    base.setTimeout(Math.ceil(settings.pubackTimeoutMs / 1_000) + 30);
    const transport = new azureDeviceMqtt.Mqtt(authOf(credentials, settings), base);
    const client = new azureDevice.Client(transport);
    client.setRetryPolicy(new azureCommon.NoRetry());
    client.on('error', () => {});
    const abort = () => raw?.stream.destroy();
    const startedMs = performance.now();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const { ca, keepaliveSeconds } = settings;
      const options = { keepalive: keepaliveSeconds, ...(ca === undefined ? {} : { ca }) };
      await client.setOptions(options);
      if (signal.aborted) throw new Error('stopped');
      // The SDK's own limit should have ended it; nothing may hang for ever.
      await withDeadline(client.open(), CONNECT_TIMEOUT_MS + 5_000);
    } catch (error) {
      abort();
      throw refusalOf(error, rawError, performance.now() - startedMs);
    } finally {
      signal.removeEventListener('abort', abort);
    }
    return new HubClient(client, transport, () => raw);
  }

  async send(body: string, messageId: string): Promise<boolean> {
    if (!this.#connected) return false;
    const message = new azureDevice.Message(body);
    message.messageId = messageId;
    // The SDK's type names only one of the values the hub knows.
    (message as { contentType: string }).contentType = CONTENT_TYPE;
    (message as { contentEncoding: string }).contentEncoding = CONTENT_ENCODING;
    return await new Promise((resolve) => {
      // A connection that ends without a goodbye leaves the SDK waiting for a minute.
      this.#unanswered.add(resolve);
      this.#client.sendEvent(message, (error) => {
        if (this.#unanswered.delete(resolve)) resolve(!error);
      });
    });
  }

  /** Calls of direct methods from now on, as `tame` has packed them. */
  onMethod(listener: (body: unknown, respond: MethodResponder) => void, name: string): void {
    if (!this.#connected) return;
    this.#client.onDeviceMethod(name, (request, response) => {
      listener(request.payload, (status, body) => {
        // A lost connection has told the caller already that nothing came of it.
        if (this.#connected) response.send(status, body).catch(() => {});
      });
    });
  }

  async onDesired(listener: (patch: JsonObject) => void): Promise<void> {
    this.#transport.on('twinDesiredPropertiesUpdate', (patch: unknown) => {
      if (isObject(patch)) listener(patch);
    });
    await this.#twinCall<void>((done) => this.#transport.enableTwinDesiredPropertiesUpdates(done));
  }

  async readTwin() {
    const twin = await this.#twinCall<unknown>((done) => this.#transport.getTwin(done));
    const { desired, reported } = isObject(twin) ? twin : {};
    if (!isObject(desired) || !isObject(reported)) throw new Error('the twin came without content');
    return { desired, reported };
  }

  async reportTwin(patch: JsonObject): Promise<void> {
    await this.#twinCall<void>((done) => this.#transport.updateTwinReportedProperties(patch, done));
  }

  /** Ends the connection, with a goodbye or without. */
  async close(graceful: boolean): Promise<void> {
    const wasConnected = this.#connected;
    this.#connected = false;
    if (graceful && wasConnected) {
      await withDeadline(this.#client.close(), GOODBYE_MS).catch(() => {});
    }
    this.#raw()?.stream.destroy();
    for (const resolve of this.#unanswered) resolve(false);
    this.#unanswered.clear();
  }

  /** One request about the twin; the SDK sets no limit to its time. */
  async #twinCall<T>(call: (done: (error?: Error | null, value?: T) => void) => void): Promise<T> {
    if (!this.#connected) throw new Error('not connected');
    const answer = new Promise<T>((resolve, reject) => {
      call((error, value) => {
        if (error) reject(error);
        else resolve(value as T);
      });
    });
    return await withDeadline(answer, TWIN_TIMEOUT_MS);
  }
}

type Authentication = ConstructorParameters<typeof azureDeviceMqtt.Mqtt>[0];

function authOf({ host, deviceId, auth }: HubCredentials, settings: HubClientSettings) {
  if (auth.kind === 'sas') {
    const token = { host, deviceId, sharedAccessSignature: auth.token };
    return new azureDevice.SharedAccessSignatureAuthenticationProvider(token) as Authentication;
  }
  const { x509 } = settings;
  if (x509 === undefined) throw new HubRefused('network', 'the certificate cannot be read');
  return new azureDevice.X509AuthenticationProvider({ host, deviceId, x509 }) as Authentication;
}

function refusalOf(error: unknown, raw: unknown, elapsedMs: number): HubRefused {
  const cause = raw ?? error;
  const code = isCoded(cause) ? cause.code : undefined;
  const message = errorMessage(cause);
  // The MQTT client gives no reason when its time is up.
  const timedOut = raw === undefined && elapsedMs >= CONNECT_TIMEOUT_MS;
  const outcome = timedOut ? 'timeout' : connectOutcome(code, message);
  return new HubRefused(outcome, message === '' ? 'no answer' : message);
}

function isCoded(error: unknown): error is { code: string | number } {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' || typeof error.code === 'number';
}

/** The SDK's event holds the error it knows of, if any. */
function wordsOf(event: unknown): string {
  const inner = isObject(event) ? event['transportObj'] : undefined;
  return inner instanceof Error ? inner.message : 'the connection was closed';
}
