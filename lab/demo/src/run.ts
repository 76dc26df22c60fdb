/** From the start to the proof. */
import type { DemoConfig } from './config.ts';
import { isComplete, proofLines } from './core/proof.ts';
import type { Destination } from './core/parts.ts';
import { liveFace, playFace } from './faces.ts';
import type { Face } from './faces.ts';
import type { OpenFarSide } from './far-side.ts';
import { MqttSide } from './mqtt-side.ts';
import { Session } from './session.ts';
import { waitFor } from './wait.ts';

/** With everything installed it takes two seconds; a slow Pi under load takes longer. */
const FIRST_READING_DEADLINE_MS = 60_000;

/** Runs the demo; resolves with the exit code. Rejects with the reason of `stop` when that aborts. */
export async function runDemo(config: DemoConfig, stop: AbortSignal): Promise<number> {
  const interactive = process.stdin.isTTY && process.stdout.isTTY;
  const { destination, limitSeconds, startedMs } = config;
  const face = interactive ? liveFace(config) : playFace(config);
  const session = new Session({
    destination,
    openFar: await farSideOf(destination),
    startedMs,
    limitSeconds,
    onEvent: (event) => face.event(event),
  });
  const lines: string[] = [];
  let complete = false;
  try {
    complete = await orStopped(play(session, face, RECEIVERS[destination], lines), stop);
  } finally {
    face.close();
    await session[Symbol.asyncDispose]();
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return complete ? 0 : 1;
}

const RECEIVERS: Readonly<Record<Destination, string>> = {
  mqtt: 'the subscriber',
  azure: 'a hub',
};

/** The cloud is loaded only when it is wanted: without it the demo is there sooner. */
async function farSideOf(destination: Destination): Promise<OpenFarSide> {
  if (destination === 'mqtt') return (parts) => new MqttSide(parts);
  const { CloudSide } = await import('./cloud-side.ts');
  return (parts) => new CloudSide(parts);
}

/** Returns whether nothing is missing; what there is to say is added to `lines`. */
async function play(
  session: Session,
  face: Face,
  receiver: string,
  lines: string[],
): Promise<boolean> {
  face.open(session);
  await session.start();
  const delivered = () => session.firstDeliveredSeconds !== undefined;
  await Promise.race([waitFor(delivered, FIRST_READING_DEADLINE_MS, face.skip), face.wantsEnd]);
  const firstSeconds = session.firstDeliveredSeconds;
  if (firstSeconds === undefined) {
    lines.push(`FAILED: no reading has reached ${receiver}. What the services said last:`);
    lines.push(...session.view().events.map(({ source, text }) => `  ${source}: ${text}`));
    return false;
  }
  face.begin();
  await face.wantsEnd;
  const proof = await session.finish(face.skip);
  lines.push(`First reading at ${receiver} ${firstSeconds.toFixed(1)} s after the start.`, '');
  if (proof === undefined) lines.push('Ended before the last readings had arrived: no proof.');
  else lines.push(...proofLines(proof, receiver, session.receivers));
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
