// Checks requests and answers of the stand-in appliance against appliance/api/openapi.json.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

export const api = JSON.parse(readFileSync(new URL('../../appliance/api/openapi.json', import.meta.url), 'utf8'));

// OpenAPI 3.0 says "nullable" where JSON Schema says "or null".
function toJsonSchema(node) {
  if (Array.isArray(node)) return node.map(toJsonSchema);
  if (node === null || typeof node !== 'object') return node;
  const { nullable, ...rest } = node;
  const plain = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      key === '$ref' ? value.replace('#/components/schemas/', 'api#/') : toJsonSchema(value),
    ]),
  );
  return nullable ? { anyOf: [plain, { type: 'null' }] } : plain;
}

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
const bundle = { $id: 'api' };
for (const [name, schema] of Object.entries(api.components.schemas)) bundle[name] = toJsonSchema(schema);
ajv.addSchema(bundle);

const validators = new Map();

/// The faults of a value by a schema of the document, as text; '' if there are none.
export function faults(schema, value) {
  const key = JSON.stringify(schema);
  if (!validators.has(key)) validators.set(key, ajv.compile(toJsonSchema(schema)));
  const validate = validators.get(key);
  return validate(value) ? '' : ajv.errorsText(validate.errors, { dataVar: 'value' });
}

/// From the least to the most.
export const roles = api.components.schemas.Session.properties.privilege.enum;

/// The paths of the interface; those with servers of their own stand beside it, for machines.
export const paths = Object.entries(api.paths).filter(([, methods]) => !methods.servers);

const routes = paths
  .flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      expression: new RegExp(`^${template.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)').replace(/\./g, '\\.')}$`),
      isTemplate: template.includes('{'),
      operation,
    })),
  )
  .sort((a, b) => Number(a.isTemplate) - Number(b.isTemplate));

/// The operation that a request names, with its path parameters; null if there is none.
export function findOperation(method, path) {
  for (const route of routes) {
    const match = route.method === method ? route.expression.exec(path) : null;
    if (match)
      return {
        operation: route.operation,
        path: Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])),
      };
  }
  return null;
}

export function parametersOf(operation) {
  return (operation.parameters ?? []).map((parameter) =>
    parameter.$ref ? api.components.parameters[parameter.$ref.split('/').pop()] : parameter,
  );
}

/// Status and schema of the success answer; the schema is null where there is no body.
export function successOf(operation) {
  const [status, response] = Object.entries(operation.responses).find(([code]) => code.startsWith('2'));
  return { status: Number(status), schema: response.content?.['application/json']?.schema ?? null };
}
