import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, loadConfig } from '@holdfast/kit';
import { REDIS_ENV, isReply, redisSettings } from '@holdfast/redis';

function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

describe('the settings of the connection', () => {
  test('without any variable lead to the Redis of the device, without a login', () => {
    assert.deepEqual(redisSettings(loadConfig(REDIS_ENV, {})), {
      host: 'redis',
      port: 6379,
      db: 0,
      username: undefined,
      password: undefined,
      passwordFile: undefined,
    });
  });
  test('are taken from the variables', () => {
    const env = {
      REDIS_HOST: 'localhost',
      REDIS_PORT: '1234',
      REDIS_DB: '3',
      REDIS_USERNAME: 'sensor',
      REDIS_PASSWORD: 'hunter2',
      REDIS_PASSWORD_FILE: '/secrets/sensor',
    };
    assert.deepEqual(redisSettings(loadConfig(REDIS_ENV, env)), {
      host: 'localhost',
      port: 1234,
      db: 3,
      username: 'sensor',
      password: 'hunter2',
      passwordFile: '/secrets/sensor',
    });
  });
  test('out of range are refused together', () => {
    assert.throws(
      () => loadConfig(REDIS_ENV, { REDIS_PORT: '0', REDIS_DB: '16' }),
      (error) => error instanceof ConfigError && /REDIS_PORT.*REDIS_DB/.test(error.message),
    );
  });
});

describe('isReply', () => {
  test('knows the code of a reply by its first word', () => {
    assert.ok(isReply(replyError('OOM command not allowed'), 'OOM'));
    assert.ok(isReply(replyError('NOSCRIPT'), 'NOSCRIPT'));
  });
  test('is false for another code, a mere beginning of it and for errors of the connection', () => {
    assert.ok(!isReply(replyError('ERR OOM'), 'OOM'));
    assert.ok(!isReply(replyError('NOSCRIPTS'), 'NOSCRIPT'));
    assert.ok(!isReply(new Error('OOM'), 'OOM'));
    assert.ok(!isReply('OOM', 'OOM'));
  });
});
