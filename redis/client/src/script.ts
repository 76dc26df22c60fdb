/** Lua scripts by their digest: the text travels once per Redis process, not once per call. */
import { createHash } from 'node:crypto';
import type { Redis } from './connection.ts';

export class Script {
  readonly #text: string;
  readonly #sha: string;

  constructor(text: string) {
    this.#text = text;
    this.#sha = createHash('sha1').update(text).digest('hex');
  }

  /** Runs the script atomically; rejects with Redis' or the connection's error. */
  async run(
    redis: Redis,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await redis.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!isReply(error, 'NOSCRIPT')) throw error;
      return await redis.eval(this.#text, keys.length, ...keys, ...args);
    }
  }
}

/**
 * Whether an error is Redis' reply with this code, the first word of the error (RESP specification,
 * "simple errors"): `OOM`, `NOSCRIPT`, `NOPERM`, `WRONGTYPE`, `LOADING`, ...
 */
export function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.name === 'ReplyError' && errorReply(error) === code;
}

function errorReply(error: Error): string | undefined {
  return /^[A-Z]+/.exec(error.message)?.[0];
}
