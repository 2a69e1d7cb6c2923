const nothing = require("nothing-of-that-name");
exports.handler = async () => nothing;
