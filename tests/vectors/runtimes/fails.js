throw new RangeError("at its start");
