"""What both sides of the bridge agree on; Java has the same in ``Protocol.java``.

Java and Python talk through blocks, known by address. ``call(block, operation, argument)`` answers

* 0 or more: a number, an address, or the address of a new block that is the caller's to drop;
* -1: there is no JVM any more;
* -2: the call failed, and there is no memory to say how;
* anything below: minus the address of a block ``{int64 error; char text[]}``, UTF-8 that ends in 0,
  the caller's to drop.

An argument is a number or the address of an array of int64, as the operation says.
"""

from struct import Struct
from typing import Final

VERSION: Final = 1
JVM_ENDED: Final = -1
NO_MEMORY: Final = -2

# The root block: version and table; its operations.
ROOT_HEADER: Final = Struct("=qq")
ROOT_OPEN: Final = 0
ROOT_CLOSE: Final = 1
ROOT_TAKE_DLPACK: Final = 2
ROOT_TAKE_ARROW: Final = 3
ROOT_TAKE_BATCH: Final = 4
ROOT_TAKE_STREAM: Final = 5
ROOT_BORROW_INTERFACE: Final = 6
ROOT_BORROW_CUDA: Final = 7
ROOT_BORROW_STRUCT: Final = 8
ROOT_BORROW_BUFFER: Final = 9

# Every handle begins with its root block and its kind.
ARRAY: Final = 1
BATCH: Final = 2
STREAM: Final = 3

# Entry, kind, device type, device id, ndim, read-only, address, bytes, item size, bytes that were
# not copied, decoded, copied, the tensor to share or 0; the shape and the strides follow.
ARRAY_HEADER: Final = Struct("=qqiiiiqqqqqqq")
ARRAY_DLPACK: Final = 0
ARRAY_ARROW: Final = 1
ARRAY_ARROW_DEVICE: Final = 2
ARRAY_DTYPE: Final = 3
ARRAY_REASON: Final = 4
ARRAY_INTERFACE: Final = 5
ARRAY_CUDA_INTERFACE: Final = 6
ARRAY_STRUCT: Final = 7

# Entry, kind, rows, columns.
BATCH_HEADER: Final = Struct("=qqqq")
BATCH_NAME: Final = 0
BATCH_COLUMN: Final = 1
BATCH_ARROW: Final = 2
BATCH_ARROW_DEVICE: Final = 3
BATCH_ARROW_STREAM: Final = 4
BATCH_ARROW_DEVICE_STREAM: Final = 5

# Entry, kind.
STREAM_HEADER: Final = Struct("=qq")
STREAM_NEXT: Final = 0
STREAM_ARROW_STREAM: Final = 1

ERRORS: Final[dict[int, type[Exception]]] = {
    1: BufferError,
    2: ValueError,
    3: TypeError,
    4: MemoryError,
    5: RuntimeError,
}

COPY: Final[dict[bool | None, int]] = {None: 0, False: 1, True: 2}

CPU: Final = 1
CUDA: Final = 2
HOST_DEVICES: Final = (1, 3, 11, 13)
CUDA_DEVICES: Final = (2, 3, 13)
# The default stream of CUDA's device and managed memory, and of ROCm, by the array API's numbers.
DEFAULT_STREAMS: Final = {2: 1, 13: 1, 10: 0}
