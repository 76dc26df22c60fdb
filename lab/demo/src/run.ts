/** From the start to the proof. */
import type { DemoConfig } from './config.ts';
import { isComplete, proofLines } from './core/proof.ts';
import { liveFace, playFace } from './faces.ts';
import type { Face } from './faces.ts';
import { Session } from './session.ts';
import { waitFor } from './wait.ts';

/** With everything installed it takes two seconds; a slow Pi under load takes longer. */
const FIRST_READING_DEADLINE_MS = 60_000;

/** Runs the demo; resolves with the exit code. Rejects with the reason of `stop` when that aborts. */
export async function runDemo(config: DemoConfig, stop: AbortSignal): Promise<number> {
  const interactive = process.stdin.isTTY && process.stdout.isTTY;
  const { limitSeconds, unicode, startedMs } = config;
  const face = interactive ? liveFace(unicode, limitSeconds) : playFace(limitSeconds);
  const session = new Session({ startedMs, limitSeconds, onEvent: (event) => face.event(event) });
  const lines: string[] = [];
  let complete = false;
  try {
    complete = await orStopped(play(session, face, lines), stop);
  } finally {
    face.close();
    await session[Symbol.asyncDispose]();
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return complete ? 0 : 1;
}

/** Returns whether nothing is missing; what there is to say is added to `lines`. */
async function play(session: Session, face: Face, lines: string[]): Promise<boolean> {
  face.open(session);
  await session.start();
  const delivered = () => session.firstDeliveredSeconds !== undefined;
  await Promise.race([waitFor(delivered, FIRST_READING_DEADLINE_MS, face.skip), face.wantsEnd]);
  const firstSeconds = session.firstDeliveredSeconds;
  if (firstSeconds === undefined) {
    lines.push('FAILED: no reading has reached the subscriber. What the services said last:');
    lines.push(...session.view().events.map(({ source, text }) => `  ${source}: ${text}`));
    return false;
  }
  face.begin();
  await face.wantsEnd;
  const proof = await session.finish(face.skip);
  lines.push(`First reading at the subscriber ${firstSeconds.toFixed(1)} s after the start.`, '');
  if (proof === undefined) lines.push('Ended before the last readings had arrived: no proof.');
  else lines.push(...proofLines(proof));
  return proof !== undefined && isComplete(proof);
}

async function orStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    const giveUp = () => reject(stop.reason as Error);
    if (stop.aborted) giveUp();
    else stop.addEventListener('abort', giveUp, { once: true });
  });
  return Promise.race([work, stopped]);
}
