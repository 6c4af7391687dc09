export default { name: 'not a pipeline' };
