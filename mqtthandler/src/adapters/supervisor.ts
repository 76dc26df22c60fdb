/**
 * The balena supervisor's HTTP interface: POST /v1/reboot with the key in the query. 202 = it will,
 * 423 = an update lock is held, 401 = wrong key. Its words are passed on, the key never is.
 */
import type { SupervisorReply } from '../core/commands/reboot.ts';
import type { Supervisor } from '../commands/ports.ts';

const TIMEOUT_MS = 10_000;
const MAX_WORDS = 300;

export class BalenaSupervisor implements Supervisor {
  readonly #url: URL;
  readonly #apiKey: string | undefined;

  constructor(address: string, apiKey: string | undefined) {
    this.#url = new URL('v1/reboot', address.endsWith('/') ? address : `${address}/`);
    if (apiKey !== undefined) this.#url.searchParams.set('apikey', apiKey);
    this.#apiKey = apiKey;
  }

  async reboot(signal: AbortSignal): Promise<SupervisorReply> {
    // Not AbortSignal.any with AbortSignal.timeout: Node 20 collects the latter before it fires.
    const limit = new AbortController();
    const abort = () => limit.abort();
    const timer = setTimeout(abort, TIMEOUT_MS);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const response = await fetch(this.#url, { method: 'POST', signal: limit.signal });
      return { status: response.status, words: this.#words(await response.text()) };
    } catch {
      return { status: 'no_answer' };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  /** The supervisor's own words: its `Error`, or what it said. */
  #words(body: string): string {
    let words = body;
    try {
      const parsed: unknown = JSON.parse(body);
      if (typeof parsed === 'object' && parsed !== null && 'Error' in parsed) {
        words = String(parsed.Error);
      }
    } catch {
      // Plain text, or nothing.
    }
    if (this.#apiKey !== undefined) words = words.replaceAll(this.#apiKey, '(hidden)');
    return words.slice(0, MAX_WORDS);
  }
}
