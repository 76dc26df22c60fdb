/** The end of waiting for an answer. */

/**
 * Calls `onEnd` after `limitMs`, or when `signal` aborts. (A signal made of others by
 * AbortSignal.any may be collected as garbage before it has fired.)
 * @returns what ends the watch
 */
export function untilLate(signal: AbortSignal, limitMs: number, onEnd: () => void): () => void {
  const timer = setTimeout(onEnd, limitMs);
  signal.addEventListener('abort', onEnd, { once: true });
  if (signal.aborted) onEnd();
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onEnd);
  };
}
