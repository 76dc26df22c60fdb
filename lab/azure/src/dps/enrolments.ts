/** The enrolments of one DPS instance, in memory. */
import { X509Certificate, randomBytes } from 'node:crypto';
import { thumbprint } from '../certificates.ts';
import type { Json } from '../json.ts';
import { normalId } from './core/enrolment.ts';
import type { Enrolment } from './core/enrolment.ts';
import type { EnrolmentDraft, EnrolmentTools } from './core/enrolment-json.ts';

/**
 * A custom allocation in this process. It gets what a webhook would get as its body, and returns
 * what a webhook would answer: `{iotHubHostName, initialTwin?, payload?}`. A throw is a failure.
 */
export type AllocationFunction = (request: Json) => unknown;

type Scope = Enrolment['scope'];

export class Enrolments {
  readonly #all = new Map<string, Enrolment>();
  readonly #functions = new Map<string, AllocationFunction>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Individual ones first come first, groups in the order they were made. */
  get all(): readonly Enrolment[] {
    return [...this.#all.values()];
  }

  get(scope: Scope, id: string): Enrolment | undefined {
    return this.#all.get(key(scope, id));
  }

  functionOf(enrolment: Enrolment): AllocationFunction | undefined {
    return this.#functions.get(key(enrolment.scope, enrolment.id));
  }

  /** Creates it, or replaces the one of the same scope and id. */
  put(draft: EnrolmentDraft, allocate?: AllocationFunction): Enrolment {
    const at = key(draft.scope, draft.id);
    const nowMs = this.#nowMs();
    const createdMs = this.#all.get(at)?.createdMs ?? nowMs;
    const enrolment = { ...draft, createdMs, updatedMs: nowMs, etag: newEtag() };
    this.#all.set(at, enrolment);
    if (allocate !== undefined) this.#functions.set(at, allocate);
    return enrolment;
  }

  /** @returns the changed enrolment; undefined when there is none */
  change(scope: Scope, id: string, change: Partial<EnrolmentDraft>): Enrolment | undefined {
    const enrolment = this.get(scope, id);
    return enrolment === undefined ? undefined : this.put({ ...enrolment, ...change });
  }

  /** @returns whether there was one */
  delete(scope: Scope, id: string): boolean {
    this.#functions.delete(key(scope, id));
    return this.#all.delete(key(scope, id));
  }
}

function key(scope: Scope, id: string): string {
  return scope === 'individual' ? `individual ${normalId(id)}` : `group ${id}`;
}

export function newEtag(): string {
  return Buffer.from(`"${randomBytes(8).toString('hex')}"`).toString('base64');
}

/** The cryptography that reading an enrolment needs. */
export function enrolmentTools(
  ownCaPem: string,
  defaultAllocation: EnrolmentTools['defaultAllocation'],
): EnrolmentTools {
  return {
    ownCaPem,
    defaultAllocation,
    newKey: () => randomBytes(32).toString('base64'),
    toPem,
    thumbprint(certificate) {
      const pem = toPem(certificate);
      return pem === undefined ? undefined : thumbprint(pem, 'sha256');
    },
  };
}

/** PEM, base64 of PEM, or base64 of DER; undefined when it is no certificate. */
function toPem(text: string): string | undefined {
  for (const form of [text, Buffer.from(text, 'base64')]) {
    try {
      return new X509Certificate(form).toString();
    } catch {
      // Not this form.
    }
  }
  return undefined;
}
