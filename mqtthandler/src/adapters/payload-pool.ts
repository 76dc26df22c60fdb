/**
 * Memory for payloads, used again when a message is acknowledged: a new buffer for each message of a
 * replay would pile up outside V8's heap between two garbage collections, tens of megabytes.
 */

/** Payloads are given out in multiples of this. */
const STEP_BYTES = 16_384;
/** Larger ones are rare and not kept. */
const KEPT_BYTES = 262_144;
/** As many as a usual window, what was read for it, and what is read ahead. */
const KEPT = 12;

export class PayloadPool {
  #free: ArrayBuffer[] = [];

  /** The text as UTF-8. The bytes are valid until they are given back. */
  encode(text: string): Buffer {
    const bytes = Buffer.byteLength(text);
    const payload = this.take(bytes);
    // Text that is ASCII only, as most readings are, is copied instead of converted.
    payload.write(text, bytes === text.length ? 'latin1' : 'utf8');
    return payload;
  }

  /** The message is acknowledged: nobody reads these bytes any more. */
  giveBack(payload: Uint8Array): void {
    const memory = payload.buffer;
    if (!(memory instanceof ArrayBuffer) || memory.byteLength > KEPT_BYTES) return;
    if (this.#free.length < KEPT) this.#free.push(memory);
  }

  /** Memory for a payload; its contents are whatever was there. */
  take(bytes: number): Buffer {
    const index = this.#free.findIndex((memory) => memory.byteLength >= bytes);
    const [found] = index === -1 ? [] : this.#free.splice(index, 1);
    const size = Math.max(1, Math.ceil(bytes / STEP_BYTES)) * STEP_BYTES;
    return Buffer.from(found ?? new ArrayBuffer(size), 0, bytes);
  }
}
