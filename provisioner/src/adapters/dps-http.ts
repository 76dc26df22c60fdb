/**
 * DPS over HTTPS, through the official transport: one call, one attempt, its status and headers
 * intact. The status lookup, which that package does not know, is a plain request on the same agent.
 *
 * The official client above the transport is not used: its polling cannot be interrupted, loses a
 * registration when a poll is throttled, and keeps no status for what it calls an error.
 */
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import httpBase from 'azure-iot-http-base';
import provisioningHttp from 'azure-iot-provisioning-device-http';
import { errorCode, errorMessage } from '@holdfast/kit';
import { answerOf } from '../core/answers.ts';
import type { Answer, DpsOutcome } from '../core/outcome.ts';
import type { Dps, DpsRequest } from '../ports.ts';
import { untilLate } from './deadline.ts';
import { SIGNATURE_MS } from './dps-identity.ts';
import type { DpsIdentity } from './dps-identity.ts';
import { dateMs, retryAfterMs } from './retry-after.ts';
import { sharedAccessSignature } from './sas.ts';

/** The newest version whose lookup is documented; the transport itself asks with 2019-03-31. */
const LOOKUP_VERSION = '2021-06-01';
/** An answer of DPS is a few kilobytes. */
const MAX_BODY_BYTES = 1_000_000;

interface Said {
  readonly answer: Answer;
  readonly serverMs?: number | undefined;
}

export class HttpDps implements Dps {
  readonly #identity: DpsIdentity;

  constructor(identity: DpsIdentity) {
    this.#identity = identity;
  }

  /** A connection of its own for every question: minutes lie between them. */
  async ask(request: DpsRequest, signal: AbortSignal): Promise<DpsOutcome> {
    const { certificate, ca, port } = this.#identity;
    const agent = new Agent({
      keepAlive: false,
      ...certificate,
      ...(ca === undefined ? {} : { ca }),
    });
    if (port !== undefined) Object.assign(agent, { defaultPort: port });
    let watched = () => {};
    const late = new Promise<Said>((resolve) => {
      watched = untilLate(signal, this.#identity.answerMs, () => resolve(noAnswer));
    });
    try {
      const said = await Promise.race([this.#send(request, agent), late]);
      return { question: request.question, ...said };
    } catch (error) {
      // The transport throws what keeps it from sending: a key that is not the certificate's, say.
      return { question: request.question, ...unreachable(error) };
    } finally {
      watched();
      agent.destroy();
    }
  }

  #send(request: DpsRequest, agent: Agent): Promise<Said> {
    return request.question === 'lookup'
      ? lookUp(this.#identity, this.#signature(request), agent)
      : this.#operate(request, agent);
  }

  #signature({ signMs }: DpsRequest): string | undefined {
    const { idScope, registrationId, key } = this.#identity;
    const resource = `${idScope}/registrations/${registrationId}`;
    return key === undefined
      ? undefined
      : sharedAccessSignature(resource, key, signMs + SIGNATURE_MS, 'registration');
  }

  #operate(request: DpsRequest, agent: Agent): Promise<Said> {
    const { host, idScope, registrationId, payload } = this.#identity;
    const base = new httpBase.Http();
    base.setOptions({ http: { agent } });
    const transport = new provisioningHttp.Http(base);
    const signature = this.#signature(request);
    if (signature !== undefined) transport.setSharedAccessSignature(signature);
    const registration = {
      provisioningHost: host,
      idScope,
      registrationId,
      ...(payload === undefined ? {} : { payload: payload as object }),
    };
    return new Promise((resolve) => {
      const done = (error: unknown, result: unknown, response: unknown) =>
        resolve(saidBy(error, result, response));
      if (request.question === 'register') transport.registrationRequest(registration, done);
      else transport.queryOperationStatus(registration, request.operationId, done);
    });
  }
}

const noAnswer: Said = {
  answer: { kind: 'unreachable', code: 'TIMEOUT', message: 'no answer in time' },
};

function unreachable(error: unknown): Said {
  const message = errorMessage(error).slice(0, 300);
  return { answer: { kind: 'unreachable', code: errorCode(error), message } };
}

interface Response {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
}

/** The transport hands over errors that carry the response, or the result and the response. */
function saidBy(error: unknown, result: unknown, response: unknown): Said {
  const carried = asResponse(response) ?? asResponse(memberOf(error, 'response'));
  if (carried === undefined) return unreachable(error);
  const isFailure = carried.statusCode >= 300;
  const body = isFailure ? parsed(memberOf(error, 'responseBody')) : result;
  const words = isFailure ? errorMessage(error) : '';
  return heard(carried, body, words);
}

function heard({ statusCode, headers }: Response, body: unknown, words: string): Said {
  const serverMs = dateMs(headers.date);
  const waitMs = retryAfterMs(headers['retry-after'], serverMs, Date.now());
  return { answer: answerOf(statusCode, body, waitMs, words), serverMs };
}

function asResponse(value: unknown): Response | undefined {
  return typeof memberOf(value, 'statusCode') === 'number' ? (value as Response) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** The Device Registration Status Lookup: where the device belongs, without registering it. */
function lookUp(identity: DpsIdentity, signature: string | undefined, agent: Agent): Promise<Said> {
  const { host, port, idScope, registrationId } = identity;
  const id = encodeURIComponent(registrationId);
  const body = JSON.stringify({ registrationId });
  const options = {
    agent,
    host,
    ...(port === undefined ? {} : { port }),
    method: 'POST',
    path: `/${idScope}/registrations/${id}?api-version=${LOOKUP_VERSION}`,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      ...(signature === undefined ? {} : { authorization: signature }),
    },
  };
  return new Promise((resolve) => {
    const onError = (error: unknown) => resolve(unreachable(error));
    httpsRequest(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('error', onError);
      response.on('data', (chunk: string) => {
        if (text.length < MAX_BODY_BYTES) text += chunk;
      });
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        resolve(heard({ statusCode, headers }, parsed(text), ''));
      });
    })
      .on('error', onError)
      .end(body);
  });
}
