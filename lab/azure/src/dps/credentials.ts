/** What a device presented, checked with real cryptography against the clock of the cloud. */
import { X509Certificate } from 'node:crypto';
import { commonName, isIssuedBy, isTimely, thumbprint } from '../certificates.ts';
import { verifySas } from '../sas.ts';
import type { Proof } from './core/authentication.ts';

export interface Presented {
  /** The Authorization header or the MQTT password. */
  readonly sas: string | undefined;
  /** The client certificate and what it brought along; empty = none. */
  readonly chain: readonly X509Certificate[];
}

export interface JudgedProof {
  readonly proof: Proof;
  /** Asked after the signature was found right: is it still, or already, valid? */
  isTimely(): boolean;
}

/** @param audience `{idScope}/registrations/{registrationId}` */
export function judge(presented: Presented, audience: string, nowMs: number): JudgedProof {
  const { sas, chain } = presented;
  if (sas !== undefined) return judgeSas(sas, audience, nowMs);
  const [certificate] = chain;
  if (certificate === undefined) return { proof: { kind: 'none' }, isTimely: () => false };
  return {
    proof: {
      kind: 'x509',
      commonName: commonName(certificate) ?? '',
      thumbprint: thumbprint(certificate.toString(), 'sha256'),
      stepsTo: (caPem) => stepsTo(chain, caPem, nowMs),
    },
    isTimely: () => isTimely(certificate, nowMs),
  };
}

function judgeSas(token: string, audience: string, nowMs: number): JudgedProof {
  let expired = false;
  return {
    proof: {
      kind: 'sas',
      isSignedWith(key) {
        const verdict = verifySas(token, { audiences: [audience], keys: [key], nowMs });
        expired = !verdict.ok && verdict.reason === 'expired';
        return verdict.ok || expired;
      },
    },
    isTimely: () => !expired,
  };
}

/** How many certificates of the chain it takes to get to this authority. */
function stepsTo(
  chain: readonly X509Certificate[],
  caPem: string,
  nowMs: number,
): number | undefined {
  const authority = new X509Certificate(caPem);
  for (let steps = 1; steps <= chain.length; steps += 1) {
    if (isIssuedBy(chain.slice(0, steps), [authority], nowMs)) return steps;
  }
  return undefined;
}
