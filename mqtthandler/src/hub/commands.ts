/**
 * Commands of the hub: direct methods go to the engine like commands from anywhere else, the answer
 * is the method's response. What a command answers later (a reboot done, an export at its end) goes
 * into the reported properties.
 */
import { isObject } from '../core/commands/json.ts';
import type { JsonObject } from '../core/commands/json.ts';
import { commandOfMethod, statusOfAnswer } from '../core/hub/wire.ts';
import type { CommandRequest } from '../commands/ports.ts';
import type { RunCommand } from './ports.ts';

export const SOURCE = 'hub';

/** Submits to the engine; each call is a delivery of its own. */
export function runnerOf(submit: (request: CommandRequest) => Promise<boolean>): RunCommand {
  let deliveries = 0;
  // Unlike any delivery of an earlier life of this process.
  const life = Math.random().toString(36).slice(2);
  return (members) =>
    new Promise((resolve, reject) => {
      deliveries += 1;
      const request: CommandRequest = {
        source: SOURCE,
        payload: members,
        retained: false,
        deliveryId: `${life}:${deliveries}`,
        redelivered: false,
        respond: (answer) => resolve(parsed(answer)),
      };
      void submit(request).then((taken) => {
        if (!taken) reject(new Error('the command could not be taken'));
      });
    });
}

/** Carries out a call of a direct method. Never rejects. */
export async function answerMethod(
  body: unknown,
  run: RunCommand,
  respond: (status: number, body: unknown) => void,
): Promise<void> {
  try {
    const answer = await run(commandOfMethod(body));
    respond(statusOfAnswer(answer), answer);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'failed';
    respond(503, { error: { code: 'failed', message } });
  }
}

function parsed(answer: string): JsonObject {
  const value: unknown = JSON.parse(answer);
  return isObject(value) ? value : {};
}
