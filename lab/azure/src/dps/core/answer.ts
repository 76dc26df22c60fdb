/**
 * What the service answers, whatever the transport: a status, a JSON body, perhaps Retry-After.
 * The transports render it (HTTP status and headers, or `$dps/registrations/res/{status}/?...`).
 *
 * Error numbers: 404202, 404203, 404208, 404210 by name from "Troubleshoot DPS"; 401002, 429001,
 * 400207 with their wording as devices have received them; the others are made up in the pattern
 * `<status>000` and marked so in the README.
 */
import type { JsonObject } from '../../json.ts';

/** Seconds, an HTTP-date that many seconds ahead, or any text; undefined = no such header. */
export type RetryAfter =
  | { readonly form: 'seconds'; readonly seconds: number }
  | { readonly form: 'date'; readonly seconds: number }
  | { readonly form: 'text'; readonly text: string };

export interface DpsFailure {
  readonly status: number;
  readonly errorCode: number;
  readonly message: string;
  readonly retryAfter?: RetryAfter;
  /** For the log of the cloud, never sent: devices are not told why they are refused. */
  readonly reason?: string;
}

export type DpsAnswer =
  | {
      readonly kind: 'ok';
      readonly status: 200 | 202;
      readonly body: JsonObject;
      readonly operationId?: string;
      readonly retryAfter?: RetryAfter;
    }
  | ({ readonly kind: 'failure' } & DpsFailure);

const ERRORS = {
  malformed: { status: 400, errorCode: 400004, message: 'Bad request.' },
  too_large: { status: 413, errorCode: 413000, message: 'Request body is too large.' },
  unauthorized: { status: 401, errorCode: 401002, message: 'Unauthorized' },
  invalid_certificate: { status: 401, errorCode: 401002, message: 'Invalid certificate.' },
  disabled: { status: 401, errorCode: 401002, message: 'Unauthorized' },
  unknown_scope: { status: 404, errorCode: 404208, message: 'Provisioning settings not found.' },
  unknown_registration: {
    status: 404,
    errorCode: 404202,
    message: 'Device registration not found.',
  },
  unknown_operation: { status: 404, errorCode: 404203, message: 'Operation not found.' },
  unknown_path: { status: 404, errorCode: 404000, message: 'Not found.' },
  wrong_method: { status: 405, errorCode: 405000, message: 'Method not allowed.' },
  wrong_media_type: { status: 415, errorCode: 415000, message: 'Unsupported media type.' },
  throttled: {
    status: 429,
    errorCode: 429001,
    message: 'Operations are being throttled for this tenant.',
  },
  internal: { status: 500, errorCode: 500000, message: 'Internal server error.' },
} as const satisfies Record<string, DpsFailure>;

export type ErrorName = keyof typeof ERRORS;

export function failure(
  name: ErrorName,
  more: { readonly reason?: string; readonly retryAfter?: RetryAfter } = {},
): DpsAnswer {
  return { kind: 'failure', ...ERRORS[name], reason: name, ...more };
}

/** A failure on demand: the usual number and wording for a status where there is one. */
export function failureOf(status: number, retryAfter?: RetryAfter): DpsAnswer {
  const usual: DpsFailure = Object.values(ERRORS).find((error) => error.status === status) ?? {
    status,
    errorCode: status * 1_000,
    message: `Failure ${status} on demand.`,
  };
  const failed = { kind: 'failure', ...usual } as const;
  return retryAfter === undefined ? failed : { ...failed, retryAfter };
}

/** A wait in ms as whole seconds: never shorter than asked for, at least one. */
export function wholeSeconds(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / 1_000));
}

/**
 * The value of a Retry-After.
 * @param httpDate renders a time (unix ms) as an HTTP-date
 */
export function renderRetryAfter(
  retryAfter: RetryAfter,
  nowMs: number,
  httpDate: (unixMs: number) => string,
): string {
  switch (retryAfter.form) {
    case 'seconds':
      return String(retryAfter.seconds);
    case 'date':
      return httpDate(nowMs + retryAfter.seconds * 1_000);
    case 'text':
      return retryAfter.text;
  }
}
