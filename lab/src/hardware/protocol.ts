/**
 * The hardware simulator's protocol: a Unix stream socket, one JSON object per line.
 *
 * A request has `op` and `id`; its answer has the same `id` and `ok`: true with results, or false
 * with `code` and, where there is more to say, `message`. Answers come when they are ready, not in
 * the order of the requests.
 * Objects with `event` come unasked.
 */
import type { Socket } from 'node:net';

export type Message = Readonly<Record<string, unknown>>;

/** The other end of a connection, for handlers that have something to tell unasked. */
export interface Peer {
  send(message: Message): void;
  /** Calls `listener` once when the connection is gone. */
  onClose(listener: () => void): void;
}

/**
 * Carries out the requests of one kind. Resolves with the members of the answer, `ok: true` where it
 * says nothing else; rejects with an error whose `code` and message the answer is to carry.
 */
export interface RequestHandler {
  handle(request: Record<string, unknown>, peer: Peer): Promise<Record<string, unknown>>;
}

/** A request that cannot be carried out. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** Upper case, as system errors: `EINVAL`, ... */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A line longer than this is no request. */
const LINE_LIMIT_CHARACTERS = 65_536;

/** Calls `onLine` for each line; `onTooLong` once, then nothing, when a line does not end. */
export function splitLines(
  socket: Socket,
  onLine: (line: string) => void,
  onTooLong: () => void,
): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() !== '') onLine(line);
    }
    if (rest.length <= LINE_LIMIT_CHARACTERS) return;
    rest = '';
    socket.removeAllListeners('data');
    onTooLong();
  });
}

/** The JSON object in a line, undefined when there is none. */
export function parseMessage(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
