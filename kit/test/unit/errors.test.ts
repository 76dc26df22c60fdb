import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorMessage } from '@holdfast/kit';

test('an error without a message is told by its name', () => {
  const error = new RangeError('x');
  Object.assign(error, { message: undefined });
  assert.equal(errorMessage(error), 'RangeError');
});
