/** Errors classed by what the caller should do. Everything else is a bug: crash and be restarted. */

/** The configuration cannot work: the process ends with {@link EXIT_CONFIG} and one line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Worth trying again, after `retryAfterMs` at the earliest where the other side said so. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** sysexits.h EX_CONFIG. */
export const EXIT_CONFIG = 78;

/** The `code` of a system or library error or of what caused it, or its name; for logs and tables, never for sentences. */
export function errorCode(error: unknown): string {
  if (typeof error === 'object' && error !== null) {
    if ('code' in error && (typeof error.code === 'string' || typeof error.code === 'number')) {
      return String(error.code);
    }
    // An error of ours that wraps another one: the innermost knows best.
    if (error instanceof Error && error.cause !== undefined) return errorCode(error.cause);
    if (error instanceof Error) return error.name;
  }
  return 'UNKNOWN';
}

/** What went wrong, in the words of whoever threw it; never throws itself. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return asText(error);
  // AggregateError of a failed connect has an empty message of its own.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(errorMessage).join('; ');
  }
  // Typed as a string, but some libraries leave it out.
  const message: unknown = error.message;
  return typeof message === 'string' ? message : error.name;
}

/** Anything can be thrown, also an object that no string can be made of. */
function asText(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'unknown error';
  }
}
