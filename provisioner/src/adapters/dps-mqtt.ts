/**
 * DPS over MQTT, through the official transport, for networks that let only port 8883 pass.
 *
 * The transport connects, subscribes and publishes. Its way with answers is not used: it turns 429
 * and 5xx into endless polling without a word, and a lost connection or an answer that is not JSON
 * ends the process. So what the connection says is taken here, before it gets there.
 */
import mqttBase from 'azure-iot-mqtt-base';
import provisioningMqtt from 'azure-iot-provisioning-device-mqtt';
import { errorCode, errorMessage } from '@holdfast/kit';
import { answerOf } from '../core/answers.ts';
import type { Answer, DpsOutcome } from '../core/outcome.ts';
import type { Dps, DpsRequest } from '../ports.ts';
import { untilLate } from './deadline.ts';
import { SIGNATURE_MS } from './dps-identity.ts';
import type { DpsIdentity } from './dps-identity.ts';
import { retryAfterMs } from './retry-after.ts';
import { sharedAccessSignature } from './sas.ts';

/** A connection that does not let itself be closed is left behind. */
const CLOSE_MS = 2_000;

type Transport = InstanceType<typeof provisioningMqtt.Mqtt>;

export class MqttDps implements Dps {
  readonly #identity: DpsIdentity;

  constructor(identity: DpsIdentity) {
    this.#identity = identity;
  }

  async ask(request: DpsRequest, signal: AbortSignal): Promise<DpsOutcome> {
    const { question } = request;
    const { ca } = this.#identity;
    let transport: Transport | undefined;
    let watched = () => {};
    const answer = await new Promise<Answer>((resolve) => {
      watched = untilLate(signal, this.#identity.answerMs, () => resolve(noAnswer));
      const base = new AnswerTap(resolve);
      if (ca !== undefined) base.setOptions({ ca });
      transport = new provisioningMqtt.Mqtt(base);
      this.#send(request, transport, resolve);
      // The transport throws what keeps it from sending: a key that is not the certificate's, say.
    }).catch(failure);
    watched();
    if (transport !== undefined) await closed(transport);
    return { question, answer };
  }

  #send(request: DpsRequest, transport: Transport, resolve: (answer: Answer) => void): void {
    const { host, port, idScope, registrationId, key, certificate, payload } = this.#identity;
    const resource = `${idScope}/registrations/${registrationId}`;
    const expiresMs = request.signMs + SIGNATURE_MS;
    if (key !== undefined) {
      const signature = sharedAccessSignature(resource, key, expiresMs, 'registration');
      transport.setSharedAccessSignature(signature);
    }
    if (certificate !== undefined) transport.setAuthentication(certificate);
    const registration = {
      provisioningHost: port === undefined ? host : `${host}:${port}`,
      idScope,
      registrationId,
      ...(payload === undefined ? {} : { payload: payload as object }),
    };
    // Answers come by the tap; what comes here is that there will be none.
    const done = (error: unknown) => {
      if (error) resolve(failure(error));
    };
    if (request.question === 'register') transport.registrationRequest(registration, done);
    else transport.queryOperationStatus(registration, request.operationId, done);
  }
}

const noAnswer: Answer = { kind: 'unreachable', code: 'TIMEOUT', message: 'no answer in time' };

/** The connection of the transport, whose messages and errors end here. */
class AnswerTap extends mqttBase.MqttBase {
  readonly #resolve: (answer: Answer) => void;

  constructor(resolve: (answer: Answer) => void) {
    super();
    this.#resolve = resolve;
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message') {
      const answer = answerIn(String(args[0]), String(args[1]));
      if (answer !== undefined) this.#resolve(answer);
      return true;
    }
    if (event === 'error') {
      this.#resolve(failure(args[0]));
      return true;
    }
    return super.emit(event, ...args);
  }
}

/** `$dps/registrations/res/202/?$rid=..&retry-after=3`; undefined for any other topic. */
function answerIn(topic: string, text: string): Answer | undefined {
  const [, status, query = ''] = /^\$dps\/registrations\/res\/(\d+)\/\?(.*)$/.exec(topic) ?? [];
  if (status === undefined) return undefined;
  const seconds = /(?:^|&)retry-after=(\d+(?:\.\d+)?)(?:&|$)/i.exec(query)?.[1];
  return answerOf(Number(status), parsed(text), retryAfterMs(seconds, undefined, 0));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** MQTT 3.1.1, table 3.1, as the HTTP status that DPS would have given. */
const CONNACK_STATUS: Readonly<Record<string, number>> = {
  '1': 400,
  '2': 400,
  '3': 503,
  '4': 401,
  '5': 401,
};

function failure(error: unknown): Answer {
  const code = errorCode(error);
  const message = errorMessage(error).slice(0, 300);
  const status = CONNACK_STATUS[code];
  return status === undefined
    ? { kind: 'unreachable', code, message }
    : { kind: 'refused', status, message };
}

function closed(transport: Transport): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLOSE_MS);
    transport.disconnect(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
