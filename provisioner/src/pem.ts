/** Certificates and their keys, as the variables hold them. No error shows what is in a key. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError, errorCode, errorMessage } from '@holdfast/kit';

/**
 * The PEM text of a variable that names a file, or of its twin that holds the text.
 * @param name the twin's
 * @param encoded the text, base64; counts more than the file
 * @returns undefined when neither is set
 * @throws ConfigError naming the variable
 */
export function pemOf(
  name: string,
  encoded: string | undefined,
  file: string | undefined,
): string | undefined {
  if (encoded === undefined && file === undefined) return undefined;
  const variable = encoded === undefined ? name.replace('_BASE64', '') : name;
  let pem = '';
  try {
    pem = encoded === undefined ? readFileSync(file ?? '', 'utf8') : decoded(encoded);
  } catch (error) {
    throw new ConfigError(`${variable}: ${errorMessage(error)}`);
  }
  if (!pem.includes('-----BEGIN ')) throw new ConfigError(`${variable} is not a PEM text`);
  return pem;
}

function decoded(encoded: string): string {
  return Buffer.from(encoded, 'base64').toString('utf8');
}

/** The same for a certificate, alone or the first of several. */
export function certificateOf(
  name: string,
  encoded: string | undefined,
  file: string | undefined,
): string | undefined {
  const pem = pemOf(name, encoded, file);
  if (pem === undefined) return undefined;
  try {
    void new X509Certificate(pem).subject;
    return pem;
  } catch {
    throw new ConfigError(`${name.replace('_BASE64', '')} is not a certificate`);
  }
}

/** CN of the subject: with DPS it has to be the registration id. */
export function commonName(pem: string): string | undefined {
  return /^CN=(.+)$/m.exec(new X509Certificate(pem).subject)?.[1];
}

/** A text by the name of its variable. */
export interface Pem {
  readonly name: string;
  readonly text: string;
}

/**
 * Whether TLS can prove itself with the two; otherwise every connection would fail before it begins.
 * @throws ConfigError naming the variable, or both
 */
export function checkPair(cert: Pem, key: Pem): void {
  let isPair = false;
  try {
    isPair = new X509Certificate(cert.text).checkPrivateKey(createPrivateKey(key.text));
  } catch {
    throw new ConfigError(`${key.name} is not a private key, or has a passphrase`);
  }
  const both = `${cert.name} and ${key.name}`;
  if (!isPair) throw new ConfigError(`${both}: the certificate and its key do not belong together`);
  try {
    createSecureContext({ cert: cert.text, key: key.text });
  } catch (error) {
    throw new ConfigError(`${both} cannot be used for TLS: ${errorCode(error)}`);
  }
}
