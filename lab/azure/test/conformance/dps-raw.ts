/** DPS without an SDK: for what the official packages do not offer or hide. */
import { request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject, parseJson } from '../../src/json.ts';
import type { JsonObject } from '../../src/json.ts';
import { createSas } from '../../src/sas.ts';
import type { DpsAddress } from './dps-device.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Empty when the text is no JSON object. */
  readonly body: JsonObject;
}

export interface RawOrder {
  readonly dps: DpsAddress;
  readonly method: string;
  /** After `/{idScope}/registrations/`. */
  readonly path: string;
  readonly registrationId: string;
  readonly key: string;
  readonly apiVersion?: string;
  readonly body?: JsonObject | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** One HTTPS call. Rejects when the connection ends without an answer. */
export async function rawCall(order: RawOrder): Promise<RawAnswer> {
  const { dps, registrationId, key } = order;
  const resource = `${dps.idScope}/registrations/${registrationId}`;
  const expiresSeconds = Date.now() / 1_000 + 600;
  const body = typeof order.body === 'string' ? order.body : JSON.stringify(order.body ?? {});
  const { promise, resolve, reject } = withResolvers<RawAnswer>();
  const sent = request(
    {
      host: dps.host,
      port: dps.httpsPort,
      ca: dps.ca,
      agent: false,
      method: order.method,
      path: `/${dps.idScope}/registrations/${order.path}?api-version=${order.apiVersion ?? '2021-06-01'}`,
      headers: {
        authorization: createSas({ resource, key, expiresSeconds, policy: 'registration' }),
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        ...order.headers,
      },
      ...(order.signal === undefined ? {} : { signal: order.signal }),
    },
    (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const parsed = parseJson(text);
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, text, body: isJsonObject(parsed) ? parsed : {} });
      });
    },
  );
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

type Device = Pick<RawOrder, 'dps' | 'registrationId' | 'key'> & Partial<RawOrder>;

export async function rawRegister(device: Device): Promise<RawAnswer> {
  const { registrationId } = device;
  const path = `${registrationId}/register`;
  return rawCall({ method: 'PUT', path, body: { registrationId }, ...device });
}

export async function rawPoll(device: Device, operationId: string): Promise<RawAnswer> {
  const path = `${device.registrationId}/operations/${operationId}`;
  return rawCall({ method: 'GET', path, ...device });
}

/** Device Registration Status Lookup. */
export async function rawLookup(device: Device): Promise<RawAnswer> {
  const { registrationId } = device;
  return rawCall({ method: 'POST', path: registrationId, body: { registrationId }, ...device });
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
