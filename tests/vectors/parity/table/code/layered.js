// Tells what it finds in its layers.
exports.handler = async () => ({ plain: require("plain"), versioned: require("versioned") });
