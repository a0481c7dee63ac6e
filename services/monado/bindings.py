# Library ipcrt.monado: generated; do not edit.
"""A headset, its controllers, and the compositor that puts its clients' pictures before the eyes.

What a client calls, in order: `InstanceDescribeClient`, `SessionCreate`, `SwapchainCreate`,
`SessionBegin`; then for each frame `CompositorPredictFrame`, a sleep until it is to wake,
`CompositorWaitWoke`, `CompositorBeginFrame`, `SwapchainAcquireImage`, `SwapchainWaitImage`,
drawing, `SwapchainReleaseImage`, and `CompositorLayerSync`.

Times are nanoseconds of CLOCK_MONOTONIC. Lengths are metres, angles radians; x goes right, y up,
and -z is where one looks.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.bits import FlexibleBits32
from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.enums import FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.scalars import Float32, Int32, Int64, Uint32, Uint64
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay
from ipcrt.bindings.union import Variant
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo

MAX_SWAPCHAINS: Final = 32
"""Swapchains that one client may have."""
MAX_IMAGES: Final = 8
"""Images of one swapchain."""
MAX_EDGE: Final = 4096
"""Pixels of an image's longer edge."""
MAX_CLIENT_BYTES: Final = 536870912
"""Bytes of all images of one client."""
MAX_SEMAPHORES: Final = 16
"""Semaphores that one client may have."""
MAX_LAYERS: Final = 16
"""Layers of one frame."""
MAX_CLIENTS: Final = 64
"""Clients that are told of."""
HAND_JOINTS: Final = 26
"""Joints of a hand, the palm and the wrist included."""


class Refusal(FlexibleUint32):
    """Why a call was refused; nothing has changed."""

    NO_SESSION = 1
    """The client has no session."""
    SESSION_EXISTS = 2
    """The client has a session already."""
    SESSION_NOT_RUNNING = 3
    """The session has not begun."""
    SESSION_RUNNING = 4
    """The session has begun already."""
    NO_SUCH_CLIENT = 5
    """No client has this number."""
    NO_SUCH_SWAPCHAIN = 6
    """The client has no swapchain of this number."""
    NO_SUCH_IMAGE = 7
    """The swapchain has no such image."""
    IMAGE_NOT_ACQUIRED = 8
    """The image was not acquired."""
    IMAGE_NOT_WAITED = 9
    """The image was not waited for."""
    NO_IMAGE_FREE = 10
    """All images are acquired or shown, and none was let go of within a second."""
    IMAGE_NOT_RELEASED = 11
    """The image was never released, or has been acquired again."""
    TOO_MANY = 12
    """A limit of this contract is reached; destroy something first."""
    BAD_SIZE = 13
    """An edge is zero or exceeds `MAX_EDGE`, or the format is unknown."""
    BAD_MEMORY = 14
    """The memory is too small for the image, or not sealed against shrinking and growing."""
    BAD_FRAME = 15
    """It is not the frame that was predicted, or not its turn."""
    BAD_LAYER = 16
    """A layer reaches beyond its image, or its numbers make no picture."""
    NO_SUCH_SEMAPHORE = 17
    """The client has no semaphore of this number."""
    NO_SUCH_DEVICE = 18
    """No device has this number."""
    NO_SUCH_INPUT = 19
    """The device has no such input or output."""
    IO_INACTIVE = 20
    """The client may not use the devices just now."""
    TIMEOUT = 21
    """It was not so within the time."""
    BAD_SEMAPHORE = 22
    """The handles are no timeline."""


class InputName(FlexibleUint32):
    """What a device can be asked for."""

    GENERIC_HEAD_POSE = 1
    """Of a headset."""
    SIMPLE_GRIP_POSE = 2
    """Of a controller: where it is held."""
    SIMPLE_AIM_POSE = 3
    """Of a controller: where it points."""
    GENERIC_HAND_TRACKING_LEFT = 4
    """Of the left controller."""
    GENERIC_HAND_TRACKING_RIGHT = 5
    """Of the right controller."""


class OutputName(FlexibleUint32):
    """What a device can be told."""

    SIMPLE_VIBRATION = 1
    """Shake."""


class SessionKind(FlexibleUint32):
    """Where a session is shown."""

    MAIN = 1
    """While its client is the primary one."""
    OVERLAY = 2
    """Always, above the primary client, whoever that is."""


class Format(FlexibleUint32):
    """How pixels lie in memory; Vulkan's numbers."""

    RGBA8_UNORM = 37
    """Four bytes a pixel: red, green, blue, alpha."""
    RGBA8_SRGB = 43
    """The same, in sRGB; laid over each other as it is."""


class RelationFlags(FlexibleBits32):
    """What of a relation is known."""

    ORIENTATION_VALID = 0x1
    """The orientation."""
    POSITION_VALID = 0x2
    """The position."""
    LINEAR_VELOCITY_VALID = 0x4
    """The linear velocity."""
    ANGULAR_VELOCITY_VALID = 0x8
    """The angular velocity."""


class LayerFlags(FlexibleBits32):
    """How a layer is laid over those beneath it."""

    BLEND_TEXTURE_SOURCE_ALPHA = 0x1
    """Let them shine through where alpha is less than 255; else alpha means nothing."""
    UNPREMULTIPLIED_ALPHA = 0x2
    """Colours are not multiplied by alpha yet."""
    VIEW_SPACE = 0x4
    """Its pose is meant from the head, and goes with it."""


class Refused(DomainError[Refusal]):
    ERROR = Refusal


class Vec3(Struct):
    """A place, a direction, or a speed."""

    x: Float32
    """To the right."""
    y: Float32
    """Up."""
    z: Float32
    """Backwards."""


class Quat(Struct):
    """A rotation; of length one."""

    x: Float32
    """Along the axis' x."""
    y: Float32
    """Along the axis' y."""
    z: Float32
    """Along the axis' z."""
    w: Float32
    """The rest."""


class Pose(Struct):
    """Where something is, and which way it looks."""

    orientation: Quat
    """Which way."""
    position: Vec3
    """Where."""


class Fov(Struct):
    """How far one sees from straight ahead; to the left and down are negative."""

    angle_left: Float32
    """The left edge."""
    angle_right: Float32
    """The right edge."""
    angle_up: Float32
    """The upper edge."""
    angle_down: Float32
    """The lower edge."""


class Relation(Struct):
    """Where a device is, and how it moves."""

    flags: RelationFlags
    """What of it is known; the rest is zero."""
    pose: Pose
    """Where it is."""
    linear_velocity: Vec3
    """Metres a second."""
    angular_velocity: Vec3
    """Radians a second."""


class HandJoint(Struct):
    """A joint of a hand."""

    pose: Pose
    """Where it is."""
    radius: Float32
    """From the joint to the skin."""


class Vibration(Struct):
    """How to shake."""

    frequency_hz: Float32
    """Zero for the device's own."""
    amplitude: Float32
    """From 0 to 1; zero stops it."""
    duration_ns: Uint64
    """How long."""


class OutputLimits(Struct):
    """How much a device can be told."""

    max_frequency_hz: Float32
    """Zero where it cannot shake."""
    max_duration_ns: Uint64
    """How long it shakes at most."""


class ClientDescription(Struct):
    """What a client says of itself."""

    application_name: Annotated[str, Meta(max_length=64)]
    """Shown to people."""


class SessionInfo(Struct):
    """What a client's session is to be."""

    kind: SessionKind
    """Where it is shown."""
    z_order: Int32
    """Overlays with more of it lie above those with less."""


class ClientInfo(Struct):
    """A client, as all may see it."""

    id: Uint32
    """Its number, never another's."""
    pid: Int32
    """Its process, as the kernel told."""
    application_name: Annotated[str, Meta(max_length=64)]
    """What it called itself; may be empty."""
    session_active: bool
    """It has a session."""
    session_running: bool
    """Its session has begun."""
    session_visible: bool
    """Its layers are shown."""
    session_focused: bool
    """It has the focus."""
    session_overlay: bool
    """Its session is an overlay."""
    io_active: bool
    """It may use the devices."""
    z_order: Int32
    """See `SessionInfo`."""
    frames: Uint64
    """Frames that it has delivered."""
    missed: Uint64
    """Times that the display showed none of its own: late, skipped, or discarded."""
    swapchains: Uint32
    """Swapchains that it has."""


class SessionEvent(Struct):
    """What has become of a session."""

    visible: bool
    """Its layers are shown."""
    focused: bool
    """It has the focus."""


class CompositorInfo(Struct):
    """What the display is like."""

    view_count: Uint32
    """Eyes."""
    view_width: Uint32
    """Pixels that one eye sees across."""
    view_height: Uint32
    """Pixels that one eye sees from top to bottom."""
    fov: Fov
    """What one eye sees."""
    eye_distance: Float32
    """From one eye to the other."""
    period_ns: Uint64
    """From one frame to the next."""


class SwapchainInfo(Struct):
    """What images a swapchain is to have."""

    width: Uint32
    """Pixels across."""
    height: Uint32
    """Pixels from top to bottom."""
    format: Format
    """How they lie in memory, row by row from the top; a row begins at a multiple of 64 bytes."""


class SwapchainProperties(Struct):
    """What the compositor makes of it."""

    image_count: Uint32
    """Images."""
    size_bytes: Uint64
    """Bytes of the memory of each."""


class Rect(Struct):
    """A part of an image, in pixels from its upper left corner."""

    x: Uint32
    """To the left edge."""
    y: Uint32
    """To the upper edge."""
    width: Uint32
    """Across."""
    height: Uint32
    """From top to bottom."""


class SubImage(Struct):
    """Where a layer's pixels are."""

    swapchain_id: Uint32
    """Which swapchain."""
    image_index: Uint32
    """Which of its images; it has been released."""
    rect: Rect
    """Which part of it."""


class ProjectionView(Struct):
    """What one eye was drawn."""

    sub: SubImage
    """The picture."""
    fov: Fov
    """How far it reaches."""
    pose: Pose
    """Where the eye was when it was drawn; the compositor turns it to where the eye is."""


class ProjectionLayer(Struct):
    """The world, as each eye sees it."""

    flags: LayerFlags
    """How it is laid over others."""
    views: Annotated[list[ProjectionView], Meta(max_length=2)]
    """One for all eyes, or one for each."""


class QuadLayer(Struct):
    """A picture that hangs in the world."""

    flags: LayerFlags
    """How it is laid over others."""
    sub: SubImage
    """The picture."""
    pose: Pose
    """Its middle, and where it faces: along its own z."""
    width: Float32
    """Metres across."""
    height: Float32
    """Metres from top to bottom."""


class MonadoInstanceGetShmFdResponse(Struct):
    shm: Annotated[Vmo, needs(Rights.DUPLICATE | Rights.TRANSFER | Rights.READ | Rights.MAP)]


class MonadoInstanceDescribeClientRequest(Struct):
    desc: ClientDescription


class MonadoSystemGetClientsResponse(Struct):
    own: Uint32
    """The caller's own."""
    ids: Annotated[list[Uint32], Meta(max_length=64)]
    """All, in the order in which they came."""


class MonadoSystemGetClientInfoRequest(Struct):
    client_id: Uint32


class MonadoSystemGetClientInfoResponse(Struct):
    info: ClientInfo


class MonadoSystemSetClientInfoRequest(Struct):
    desc: ClientDescription
    z_order: Int32


class MonadoSystemSetPrimaryClientRequest(Struct):
    client_id: Uint32


class MonadoSystemSetFocusedClientRequest(Struct):
    client_id: Uint32


class MonadoSystemToggleIoClientRequest(Struct):
    client_id: Uint32


class MonadoSystemToggleIoClientResponse(Struct):
    io_active: bool


class MonadoSystemCompositorGetInfoResponse(Struct):
    info: CompositorInfo


class MonadoSystemGetMirrorResponse(Struct):
    mirror: Annotated[Vmo, needs(Rights.DUPLICATE | Rights.TRANSFER | Rights.READ | Rights.MAP)]
    width: Uint32
    height: Uint32


class MonadoSessionCreateRequest(Struct):
    info: SessionInfo


class MonadoSessionPollEventsResponse(Struct):
    events: Annotated[list[SessionEvent], Meta(max_length=16)]


class MonadoCompositorPredictFrameResponse(Struct):
    frame_id: Int64
    wake_up_time_ns: Uint64
    predicted_display_time_ns: Uint64
    predicted_display_period_ns: Uint64


class MonadoCompositorWaitWokeRequest(Struct):
    frame_id: Int64


class MonadoCompositorWaitFrameResponse(Struct):
    frame_id: Int64
    predicted_display_time_ns: Uint64
    predicted_display_period_ns: Uint64


class MonadoCompositorBeginFrameRequest(Struct):
    frame_id: Int64


class MonadoCompositorDiscardFrameRequest(Struct):
    frame_id: Int64


class MonadoCompositorLayerSyncRequest(Struct):
    frame_id: Int64
    layers: Annotated[list[Layer], Meta(max_length=16)]
    fence: Annotated[Event, needs(Rights.WAIT)] | None


class MonadoCompositorLayerSyncWithSemaphoreRequest(Struct):
    frame_id: Int64
    layers: Annotated[list[Layer], Meta(max_length=16)]
    semaphore_id: Uint32
    semaphore_value: Uint64


class MonadoSwapchainGetPropertiesRequest(Struct):
    info: SwapchainInfo


class MonadoSwapchainGetPropertiesResponse(Struct):
    properties: SwapchainProperties


class MonadoSwapchainCreateRequest(Struct):
    info: SwapchainInfo


class MonadoSwapchainCreateResponse(Struct):
    swapchain_id: Uint32
    images: Annotated[
        list[Annotated[Vmo, needs(Rights.READ | Rights.WRITE | Rights.MAP)]], Meta(max_length=8)
    ]


class MonadoSwapchainImportRequest(Struct):
    info: SwapchainInfo
    images: Annotated[list[Annotated[Vmo, needs(Rights.READ | Rights.MAP)]], Meta(max_length=8)]


class MonadoSwapchainImportResponse(Struct):
    swapchain_id: Uint32


class MonadoSwapchainAcquireImageRequest(Struct):
    swapchain_id: Uint32


class MonadoSwapchainAcquireImageResponse(Struct):
    index: Uint32


class MonadoSwapchainWaitImageRequest(Struct):
    swapchain_id: Uint32
    timeout_ns: Uint64
    index: Uint32


class MonadoSwapchainReleaseImageRequest(Struct):
    swapchain_id: Uint32
    index: Uint32


class MonadoSwapchainDestroyRequest(Struct):
    swapchain_id: Uint32


class MonadoCompositorSemaphoreCreateRequest(Struct):
    page: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]
    doorbell: Annotated[EventPair, needs(Rights.WAIT)]


class MonadoCompositorSemaphoreCreateResponse(Struct):
    semaphore_id: Uint32


class MonadoCompositorSemaphoreDestroyRequest(Struct):
    semaphore_id: Uint32


class MonadoDeviceUpdateInputRequest(Struct):
    device_id: Uint32


class MonadoDeviceGetTrackedPoseRequest(Struct):
    device_id: Uint32
    name: InputName
    at_timestamp_ns: Uint64


class MonadoDeviceGetTrackedPoseResponse(Struct):
    relation: Relation


class MonadoDeviceGetHandTrackingRequest(Struct):
    device_id: Uint32
    name: InputName
    at_timestamp_ns: Uint64


class MonadoDeviceGetHandTrackingResponse(Struct):
    joints: Annotated[list[HandJoint], Meta(max_length=26)]
    timestamp_ns: Uint64


class MonadoDeviceGetOutputLimitsRequest(Struct):
    device_id: Uint32


class MonadoDeviceGetOutputLimitsResponse(Struct):
    limits: OutputLimits


class MonadoDeviceSetOutputRequest(Struct):
    device_id: Uint32
    name: OutputName
    value: Vibration


class LayerProjection(Variant, tag=1):
    """The world."""

    value: ProjectionLayer


class LayerQuad(Variant, tag=2):
    """A picture in it."""

    value: QuadLayer


class Monado(Protocol):
    """One client's way to the service."""


Layer: TypeAlias = LayerProjection | LayerQuad
"""One layer of a frame."""

MONADO_INSTANCE_GET_SHM_FD = TwoWay(
    "ipcrt.monado/Monado.InstanceGetShmFd", type(None), MonadoInstanceGetShmFdResponse
)
MONADO_INSTANCE_DESCRIBE_CLIENT = TwoWay(
    "ipcrt.monado/Monado.InstanceDescribeClient", MonadoInstanceDescribeClientRequest, type(None)
)
MONADO_SYSTEM_GET_CLIENTS = TwoWay(
    "ipcrt.monado/Monado.SystemGetClients", type(None), MonadoSystemGetClientsResponse
)
MONADO_SYSTEM_GET_CLIENT_INFO = TwoWay(
    "ipcrt.monado/Monado.SystemGetClientInfo",
    MonadoSystemGetClientInfoRequest,
    MonadoSystemGetClientInfoResponse,
    raises=Refused,
)
MONADO_SYSTEM_SET_CLIENT_INFO = TwoWay(
    "ipcrt.monado/Monado.SystemSetClientInfo", MonadoSystemSetClientInfoRequest, type(None)
)
MONADO_SYSTEM_SET_PRIMARY_CLIENT = TwoWay(
    "ipcrt.monado/Monado.SystemSetPrimaryClient",
    MonadoSystemSetPrimaryClientRequest,
    type(None),
    raises=Refused,
)
MONADO_SYSTEM_SET_FOCUSED_CLIENT = TwoWay(
    "ipcrt.monado/Monado.SystemSetFocusedClient",
    MonadoSystemSetFocusedClientRequest,
    type(None),
    raises=Refused,
)
MONADO_SYSTEM_TOGGLE_IO_CLIENT = TwoWay(
    "ipcrt.monado/Monado.SystemToggleIoClient",
    MonadoSystemToggleIoClientRequest,
    MonadoSystemToggleIoClientResponse,
    raises=Refused,
)
MONADO_SYSTEM_COMPOSITOR_GET_INFO = TwoWay(
    "ipcrt.monado/Monado.SystemCompositorGetInfo", type(None), MonadoSystemCompositorGetInfoResponse
)
MONADO_SYSTEM_GET_MIRROR = TwoWay(
    "ipcrt.monado/Monado.SystemGetMirror", type(None), MonadoSystemGetMirrorResponse
)
MONADO_SESSION_CREATE = TwoWay(
    "ipcrt.monado/Monado.SessionCreate", MonadoSessionCreateRequest, type(None), raises=Refused
)
MONADO_SESSION_BEGIN = TwoWay(
    "ipcrt.monado/Monado.SessionBegin", type(None), type(None), raises=Refused
)
MONADO_SESSION_END = TwoWay(
    "ipcrt.monado/Monado.SessionEnd", type(None), type(None), raises=Refused
)
MONADO_SESSION_DESTROY = TwoWay(
    "ipcrt.monado/Monado.SessionDestroy", type(None), type(None), raises=Refused
)
MONADO_SESSION_POLL_EVENTS = TwoWay(
    "ipcrt.monado/Monado.SessionPollEvents",
    type(None),
    MonadoSessionPollEventsResponse,
    raises=Refused,
)
MONADO_COMPOSITOR_PREDICT_FRAME = TwoWay(
    "ipcrt.monado/Monado.CompositorPredictFrame",
    type(None),
    MonadoCompositorPredictFrameResponse,
    raises=Refused,
)
MONADO_COMPOSITOR_WAIT_WOKE = TwoWay(
    "ipcrt.monado/Monado.CompositorWaitWoke",
    MonadoCompositorWaitWokeRequest,
    type(None),
    raises=Refused,
)
MONADO_COMPOSITOR_WAIT_FRAME = TwoWay(
    "ipcrt.monado/Monado.CompositorWaitFrame",
    type(None),
    MonadoCompositorWaitFrameResponse,
    raises=Refused,
)
MONADO_COMPOSITOR_BEGIN_FRAME = TwoWay(
    "ipcrt.monado/Monado.CompositorBeginFrame",
    MonadoCompositorBeginFrameRequest,
    type(None),
    raises=Refused,
)
MONADO_COMPOSITOR_DISCARD_FRAME = TwoWay(
    "ipcrt.monado/Monado.CompositorDiscardFrame",
    MonadoCompositorDiscardFrameRequest,
    type(None),
    raises=Refused,
)
MONADO_COMPOSITOR_LAYER_SYNC = TwoWay(
    "ipcrt.monado/Monado.CompositorLayerSync",
    MonadoCompositorLayerSyncRequest,
    type(None),
    raises=Refused,
)
MONADO_COMPOSITOR_LAYER_SYNC_WITH_SEMAPHORE = TwoWay(
    "ipcrt.monado/Monado.CompositorLayerSyncWithSemaphore",
    MonadoCompositorLayerSyncWithSemaphoreRequest,
    type(None),
    raises=Refused,
)
MONADO_SWAPCHAIN_GET_PROPERTIES = TwoWay(
    "ipcrt.monado/Monado.SwapchainGetProperties",
    MonadoSwapchainGetPropertiesRequest,
    MonadoSwapchainGetPropertiesResponse,
    raises=Refused,
)
MONADO_SWAPCHAIN_CREATE = TwoWay(
    "ipcrt.monado/Monado.SwapchainCreate",
    MonadoSwapchainCreateRequest,
    MonadoSwapchainCreateResponse,
    raises=Refused,
)
MONADO_SWAPCHAIN_IMPORT = TwoWay(
    "ipcrt.monado/Monado.SwapchainImport",
    MonadoSwapchainImportRequest,
    MonadoSwapchainImportResponse,
    raises=Refused,
)
MONADO_SWAPCHAIN_ACQUIRE_IMAGE = TwoWay(
    "ipcrt.monado/Monado.SwapchainAcquireImage",
    MonadoSwapchainAcquireImageRequest,
    MonadoSwapchainAcquireImageResponse,
    raises=Refused,
)
MONADO_SWAPCHAIN_WAIT_IMAGE = TwoWay(
    "ipcrt.monado/Monado.SwapchainWaitImage",
    MonadoSwapchainWaitImageRequest,
    type(None),
    raises=Refused,
)
MONADO_SWAPCHAIN_RELEASE_IMAGE = TwoWay(
    "ipcrt.monado/Monado.SwapchainReleaseImage",
    MonadoSwapchainReleaseImageRequest,
    type(None),
    raises=Refused,
)
MONADO_SWAPCHAIN_DESTROY = TwoWay(
    "ipcrt.monado/Monado.SwapchainDestroy",
    MonadoSwapchainDestroyRequest,
    type(None),
    raises=Refused,
)
MONADO_COMPOSITOR_SEMAPHORE_CREATE = TwoWay(
    "ipcrt.monado/Monado.CompositorSemaphoreCreate",
    MonadoCompositorSemaphoreCreateRequest,
    MonadoCompositorSemaphoreCreateResponse,
    raises=Refused,
)
MONADO_COMPOSITOR_SEMAPHORE_DESTROY = TwoWay(
    "ipcrt.monado/Monado.CompositorSemaphoreDestroy",
    MonadoCompositorSemaphoreDestroyRequest,
    type(None),
    raises=Refused,
)
MONADO_DEVICE_UPDATE_INPUT = TwoWay(
    "ipcrt.monado/Monado.DeviceUpdateInput",
    MonadoDeviceUpdateInputRequest,
    type(None),
    raises=Refused,
)
MONADO_DEVICE_GET_TRACKED_POSE = TwoWay(
    "ipcrt.monado/Monado.DeviceGetTrackedPose",
    MonadoDeviceGetTrackedPoseRequest,
    MonadoDeviceGetTrackedPoseResponse,
    raises=Refused,
)
MONADO_DEVICE_GET_HAND_TRACKING = TwoWay(
    "ipcrt.monado/Monado.DeviceGetHandTracking",
    MonadoDeviceGetHandTrackingRequest,
    MonadoDeviceGetHandTrackingResponse,
    raises=Refused,
)
MONADO_DEVICE_GET_OUTPUT_LIMITS = TwoWay(
    "ipcrt.monado/Monado.DeviceGetOutputLimits",
    MonadoDeviceGetOutputLimitsRequest,
    MonadoDeviceGetOutputLimitsResponse,
    raises=Refused,
)
MONADO_DEVICE_SET_OUTPUT = TwoWay(
    "ipcrt.monado/Monado.DeviceSetOutput", MonadoDeviceSetOutputRequest, type(None), raises=Refused
)
Monado.TABLE = ProtocolTable(
    "ipcrt.monado/Monado",
    Openness.OPEN,
    (
        MONADO_INSTANCE_GET_SHM_FD,
        MONADO_INSTANCE_DESCRIBE_CLIENT,
        MONADO_SYSTEM_GET_CLIENTS,
        MONADO_SYSTEM_GET_CLIENT_INFO,
        MONADO_SYSTEM_SET_CLIENT_INFO,
        MONADO_SYSTEM_SET_PRIMARY_CLIENT,
        MONADO_SYSTEM_SET_FOCUSED_CLIENT,
        MONADO_SYSTEM_TOGGLE_IO_CLIENT,
        MONADO_SYSTEM_COMPOSITOR_GET_INFO,
        MONADO_SYSTEM_GET_MIRROR,
        MONADO_SESSION_CREATE,
        MONADO_SESSION_BEGIN,
        MONADO_SESSION_END,
        MONADO_SESSION_DESTROY,
        MONADO_SESSION_POLL_EVENTS,
        MONADO_COMPOSITOR_PREDICT_FRAME,
        MONADO_COMPOSITOR_WAIT_WOKE,
        MONADO_COMPOSITOR_WAIT_FRAME,
        MONADO_COMPOSITOR_BEGIN_FRAME,
        MONADO_COMPOSITOR_DISCARD_FRAME,
        MONADO_COMPOSITOR_LAYER_SYNC,
        MONADO_COMPOSITOR_LAYER_SYNC_WITH_SEMAPHORE,
        MONADO_SWAPCHAIN_GET_PROPERTIES,
        MONADO_SWAPCHAIN_CREATE,
        MONADO_SWAPCHAIN_IMPORT,
        MONADO_SWAPCHAIN_ACQUIRE_IMAGE,
        MONADO_SWAPCHAIN_WAIT_IMAGE,
        MONADO_SWAPCHAIN_RELEASE_IMAGE,
        MONADO_SWAPCHAIN_DESTROY,
        MONADO_COMPOSITOR_SEMAPHORE_CREATE,
        MONADO_COMPOSITOR_SEMAPHORE_DESTROY,
        MONADO_DEVICE_UPDATE_INPUT,
        MONADO_DEVICE_GET_TRACKED_POSE,
        MONADO_DEVICE_GET_HAND_TRACKING,
        MONADO_DEVICE_GET_OUTPUT_LIMITS,
        MONADO_DEVICE_SET_OUTPUT,
    ),
)


class MonadoProxy(Proxy[Monado]):
    """A client, awaited."""

    PROTOCOL = Monado
    __slots__ = ()

    async def instance_get_shm_fd(
        self, *, timeout: float | None = 25.0
    ) -> MonadoInstanceGetShmFdResponse:
        """Answer the memory in which the devices' poses are published, 1000 times a second.

        Read-only; how it is laid out tells `layout.py`.
        """
        return await self._call(MONADO_INSTANCE_GET_SHM_FD, None, timeout)

    async def instance_describe_client(
        self, desc: ClientDescription, *, timeout: float | None = 25.0
    ) -> None:
        """Say who one is."""
        await self._call(
            MONADO_INSTANCE_DESCRIBE_CLIENT, MonadoInstanceDescribeClientRequest(desc), timeout
        )

    async def system_get_clients(
        self, *, timeout: float | None = 25.0
    ) -> MonadoSystemGetClientsResponse:
        """Answer the numbers of all clients."""
        return await self._call(MONADO_SYSTEM_GET_CLIENTS, None, timeout)

    async def system_get_client_info(
        self, client_id: int, *, timeout: float | None = 25.0
    ) -> MonadoSystemGetClientInfoResponse:
        """Answer what is known of a client.

        Raises: Refused.
        """
        return await self._call(
            MONADO_SYSTEM_GET_CLIENT_INFO, MonadoSystemGetClientInfoRequest(client_id), timeout
        )

    async def system_set_client_info(
        self, desc: ClientDescription, z_order: int, *, timeout: float | None = 25.0
    ) -> None:
        """Change what is known of oneself: what one is called, and how high one lies."""
        await self._call(
            MONADO_SYSTEM_SET_CLIENT_INFO, MonadoSystemSetClientInfoRequest(desc, z_order), timeout
        )

    async def system_set_primary_client(
        self, client_id: int, *, timeout: float | None = 25.0
    ) -> None:
        """Show this client beneath the overlays, and no other but them.

        Raises: Refused.
        """
        await self._call(
            MONADO_SYSTEM_SET_PRIMARY_CLIENT,
            MonadoSystemSetPrimaryClientRequest(client_id),
            timeout,
        )

    async def system_set_focused_client(
        self, client_id: int, *, timeout: float | None = 25.0
    ) -> None:
        """Give this client the focus.

        Raises: Refused.
        """
        await self._call(
            MONADO_SYSTEM_SET_FOCUSED_CLIENT,
            MonadoSystemSetFocusedClientRequest(client_id),
            timeout,
        )

    async def system_toggle_io_client(
        self, client_id: int, *, timeout: float | None = 25.0
    ) -> MonadoSystemToggleIoClientResponse:
        """Take the devices away from a client, or give them back.

        Raises: Refused.
        """
        return await self._call(
            MONADO_SYSTEM_TOGGLE_IO_CLIENT, MonadoSystemToggleIoClientRequest(client_id), timeout
        )

    async def system_compositor_get_info(
        self, *, timeout: float | None = 25.0
    ) -> MonadoSystemCompositorGetInfoResponse:
        """Answer what the display is like."""
        return await self._call(MONADO_SYSTEM_COMPOSITOR_GET_INFO, None, timeout)

    async def system_get_mirror(
        self, *, timeout: float | None = 25.0
    ) -> MonadoSystemGetMirrorResponse:
        """Answer the memory in which the composed pictures are published, for people to look at.

        Read-only; how it is laid out tells `mirror.py`.
        """
        return await self._call(MONADO_SYSTEM_GET_MIRROR, None, timeout)

    async def session_create(self, info: SessionInfo, *, timeout: float | None = 25.0) -> None:
        """Make the client's one session.

        Raises: Refused.
        """
        await self._call(MONADO_SESSION_CREATE, MonadoSessionCreateRequest(info), timeout)

    async def session_begin(self, *, timeout: float | None = 25.0) -> None:
        """Begin to deliver frames.

        Raises: Refused.
        """
        await self._call(MONADO_SESSION_BEGIN, None, timeout)

    async def session_end(self, *, timeout: float | None = 25.0) -> None:
        """Deliver no more; what was shown of the client is taken away.

        Raises: Refused.
        """
        await self._call(MONADO_SESSION_END, None, timeout)

    async def session_destroy(self, *, timeout: float | None = 25.0) -> None:
        """Give the session up, and with it what was made in it.

        Raises: Refused.
        """
        await self._call(MONADO_SESSION_DESTROY, None, timeout)

    async def session_poll_events(
        self, *, timeout: float | None = 25.0
    ) -> MonadoSessionPollEventsResponse:
        """Answer what has become of the session since the last time; the newest last.

        Raises: Refused.
        """
        return await self._call(MONADO_SESSION_POLL_EVENTS, None, timeout)

    async def compositor_predict_frame(
        self, *, timeout: float | None = 25.0
    ) -> MonadoCompositorPredictFrameResponse:
        """Answer the next frame: when to begin it, and when it will be seen.

        Raises: Refused.
        """
        return await self._call(MONADO_COMPOSITOR_PREDICT_FRAME, None, timeout)

    async def compositor_wait_woke(self, frame_id: int, *, timeout: float | None = 25.0) -> None:
        """Say that one has slept until the frame's wake-up time.

        Raises: Refused.
        """
        await self._call(
            MONADO_COMPOSITOR_WAIT_WOKE, MonadoCompositorWaitWokeRequest(frame_id), timeout
        )

    async def compositor_wait_frame(
        self, *, timeout: float | None = 25.0
    ) -> MonadoCompositorWaitFrameResponse:
        """Predict, and answer when it is time to begin: the two calls above in one, and the sleep.

        Raises: Refused.
        """
        return await self._call(MONADO_COMPOSITOR_WAIT_FRAME, None, timeout)

    async def compositor_begin_frame(self, frame_id: int, *, timeout: float | None = 25.0) -> None:
        """Begin to draw a frame.

        Raises: Refused.
        """
        await self._call(
            MONADO_COMPOSITOR_BEGIN_FRAME, MonadoCompositorBeginFrameRequest(frame_id), timeout
        )

    async def compositor_discard_frame(
        self, frame_id: int, *, timeout: float | None = 25.0
    ) -> None:
        """Deliver nothing for it.

        Raises: Refused.
        """
        await self._call(
            MONADO_COMPOSITOR_DISCARD_FRAME, MonadoCompositorDiscardFrameRequest(frame_id), timeout
        )

    async def compositor_layer_sync(
        self,
        frame_id: int,
        layers: list[Layer],
        fence: Event | None,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        """Deliver a frame: its layers, the lowest first.

        What is shown until now stays until this frame is composed. Where a fence is given, the
        frame waits until it is signaled; one that has waited for a second is dropped.

        Raises: Refused.
        """
        await self._call(
            MONADO_COMPOSITOR_LAYER_SYNC,
            MonadoCompositorLayerSyncRequest(frame_id, layers, fence),
            timeout,
        )

    async def compositor_layer_sync_with_semaphore(
        self,
        frame_id: int,
        layers: list[Layer],
        semaphore_id: int,
        semaphore_value: int,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        """The same; the frame waits until the semaphore has reached a value.

        Raises: Refused.
        """
        await self._call(
            MONADO_COMPOSITOR_LAYER_SYNC_WITH_SEMAPHORE,
            MonadoCompositorLayerSyncWithSemaphoreRequest(
                frame_id, layers, semaphore_id, semaphore_value
            ),
            timeout,
        )

    async def swapchain_get_properties(
        self, info: SwapchainInfo, *, timeout: float | None = 25.0
    ) -> MonadoSwapchainGetPropertiesResponse:
        """Answer what `SwapchainCreate` would make.

        Raises: Refused.
        """
        return await self._call(
            MONADO_SWAPCHAIN_GET_PROPERTIES, MonadoSwapchainGetPropertiesRequest(info), timeout
        )

    async def swapchain_create(
        self, info: SwapchainInfo, *, timeout: float | None = 25.0
    ) -> MonadoSwapchainCreateResponse:
        """Make images; their memory is sealed against shrinking and growing.

        Raises: Refused.
        """
        return await self._call(
            MONADO_SWAPCHAIN_CREATE, MonadoSwapchainCreateRequest(info), timeout
        )

    async def swapchain_import(
        self, info: SwapchainInfo, images: list[Vmo], *, timeout: float | None = 25.0
    ) -> MonadoSwapchainImportResponse:
        """Use the client's own images, each sealed against shrinking and growing.

        Raises: Refused.
        """
        return await self._call(
            MONADO_SWAPCHAIN_IMPORT, MonadoSwapchainImportRequest(info, images), timeout
        )

    async def swapchain_acquire_image(
        self, swapchain_id: int, *, timeout: float | None = 25.0
    ) -> MonadoSwapchainAcquireImageResponse:
        """Answer which image comes next.

        Where the compositor holds them all, that takes until it gives one back; a second at most.

        Raises: Refused.
        """
        return await self._call(
            MONADO_SWAPCHAIN_ACQUIRE_IMAGE,
            MonadoSwapchainAcquireImageRequest(swapchain_id),
            timeout,
        )

    async def swapchain_wait_image(
        self, swapchain_id: int, timeout_ns: int, index: int, *, timeout: float | None = 25.0
    ) -> None:
        """Wait, for a second at most, until the compositor has done with the image.

        Then it may be drawn.

        Raises: Refused.
        """
        await self._call(
            MONADO_SWAPCHAIN_WAIT_IMAGE,
            MonadoSwapchainWaitImageRequest(swapchain_id, timeout_ns, index),
            timeout,
        )

    async def swapchain_release_image(
        self, swapchain_id: int, index: int, *, timeout: float | None = 25.0
    ) -> None:
        """Say that the image is drawn.

        Raises: Refused.
        """
        await self._call(
            MONADO_SWAPCHAIN_RELEASE_IMAGE,
            MonadoSwapchainReleaseImageRequest(swapchain_id, index),
            timeout,
        )

    async def swapchain_destroy(self, swapchain_id: int, *, timeout: float | None = 25.0) -> None:
        """Give a swapchain up; what is shown of it stays until the next frame.

        Raises: Refused.
        """
        await self._call(
            MONADO_SWAPCHAIN_DESTROY, MonadoSwapchainDestroyRequest(swapchain_id), timeout
        )

    async def compositor_semaphore_create(
        self, page: Vmo, doorbell: EventPair, *, timeout: float | None = 25.0
    ) -> MonadoCompositorSemaphoreCreateResponse:
        """Make the client's timeline known, for frames to wait on.

        Only its maker can signal a timeline, so here it is the client who makes it.

        Raises: Refused.
        """
        return await self._call(
            MONADO_COMPOSITOR_SEMAPHORE_CREATE,
            MonadoCompositorSemaphoreCreateRequest(page, doorbell),
            timeout,
        )

    async def compositor_semaphore_destroy(
        self, semaphore_id: int, *, timeout: float | None = 25.0
    ) -> None:
        """Give a semaphore up.

        Raises: Refused.
        """
        await self._call(
            MONADO_COMPOSITOR_SEMAPHORE_DESTROY,
            MonadoCompositorSemaphoreDestroyRequest(semaphore_id),
            timeout,
        )

    async def device_update_input(self, device_id: int, *, timeout: float | None = 25.0) -> None:
        """Look at a device's buttons, and publish them.

        Raises: Refused.
        """
        await self._call(
            MONADO_DEVICE_UPDATE_INPUT, MonadoDeviceUpdateInputRequest(device_id), timeout
        )

    async def device_get_tracked_pose(
        self, device_id: int, name: InputName, at_timestamp_ns: int, *, timeout: float | None = 25.0
    ) -> MonadoDeviceGetTrackedPoseResponse:
        """Answer where a device is, or will be.

        Raises: Refused.
        """
        return await self._call(
            MONADO_DEVICE_GET_TRACKED_POSE,
            MonadoDeviceGetTrackedPoseRequest(device_id, name, at_timestamp_ns),
            timeout,
        )

    async def device_get_hand_tracking(
        self, device_id: int, name: InputName, at_timestamp_ns: int, *, timeout: float | None = 25.0
    ) -> MonadoDeviceGetHandTrackingResponse:
        """Answer where a hand's joints are, or will be.

        Raises: Refused.
        """
        return await self._call(
            MONADO_DEVICE_GET_HAND_TRACKING,
            MonadoDeviceGetHandTrackingRequest(device_id, name, at_timestamp_ns),
            timeout,
        )

    async def device_get_output_limits(
        self, device_id: int, *, timeout: float | None = 25.0
    ) -> MonadoDeviceGetOutputLimitsResponse:
        """Answer how much a device can be told.

        Raises: Refused.
        """
        return await self._call(
            MONADO_DEVICE_GET_OUTPUT_LIMITS, MonadoDeviceGetOutputLimitsRequest(device_id), timeout
        )

    async def device_set_output(
        self, device_id: int, name: OutputName, value: Vibration, *, timeout: float | None = 25.0
    ) -> None:
        """Tell a device something.

        Raises: Refused.
        """
        await self._call(
            MONADO_DEVICE_SET_OUTPUT, MonadoDeviceSetOutputRequest(device_id, name, value), timeout
        )


class MonadoBlockingProxy(BlockingProxy[Monado]):
    """A client, blocking its thread; see `MonadoProxy`."""

    PROTOCOL = Monado
    __slots__ = ()

    def instance_get_shm_fd(
        self, *, timeout: float | None = 25.0
    ) -> MonadoInstanceGetShmFdResponse:
        return self._call(MONADO_INSTANCE_GET_SHM_FD, None, timeout)

    def instance_describe_client(
        self, desc: ClientDescription, *, timeout: float | None = 25.0
    ) -> None:
        self._call(
            MONADO_INSTANCE_DESCRIBE_CLIENT, MonadoInstanceDescribeClientRequest(desc), timeout
        )

    def system_get_clients(self, *, timeout: float | None = 25.0) -> MonadoSystemGetClientsResponse:
        return self._call(MONADO_SYSTEM_GET_CLIENTS, None, timeout)

    def system_get_client_info(
        self, client_id: int, *, timeout: float | None = 25.0
    ) -> MonadoSystemGetClientInfoResponse:
        return self._call(
            MONADO_SYSTEM_GET_CLIENT_INFO, MonadoSystemGetClientInfoRequest(client_id), timeout
        )

    def system_set_client_info(
        self, desc: ClientDescription, z_order: int, *, timeout: float | None = 25.0
    ) -> None:
        self._call(
            MONADO_SYSTEM_SET_CLIENT_INFO, MonadoSystemSetClientInfoRequest(desc, z_order), timeout
        )

    def system_set_primary_client(self, client_id: int, *, timeout: float | None = 25.0) -> None:
        self._call(
            MONADO_SYSTEM_SET_PRIMARY_CLIENT,
            MonadoSystemSetPrimaryClientRequest(client_id),
            timeout,
        )

    def system_set_focused_client(self, client_id: int, *, timeout: float | None = 25.0) -> None:
        self._call(
            MONADO_SYSTEM_SET_FOCUSED_CLIENT,
            MonadoSystemSetFocusedClientRequest(client_id),
            timeout,
        )

    def system_toggle_io_client(
        self, client_id: int, *, timeout: float | None = 25.0
    ) -> MonadoSystemToggleIoClientResponse:
        return self._call(
            MONADO_SYSTEM_TOGGLE_IO_CLIENT, MonadoSystemToggleIoClientRequest(client_id), timeout
        )

    def system_compositor_get_info(
        self, *, timeout: float | None = 25.0
    ) -> MonadoSystemCompositorGetInfoResponse:
        return self._call(MONADO_SYSTEM_COMPOSITOR_GET_INFO, None, timeout)

    def system_get_mirror(self, *, timeout: float | None = 25.0) -> MonadoSystemGetMirrorResponse:
        return self._call(MONADO_SYSTEM_GET_MIRROR, None, timeout)

    def session_create(self, info: SessionInfo, *, timeout: float | None = 25.0) -> None:
        self._call(MONADO_SESSION_CREATE, MonadoSessionCreateRequest(info), timeout)

    def session_begin(self, *, timeout: float | None = 25.0) -> None:
        self._call(MONADO_SESSION_BEGIN, None, timeout)

    def session_end(self, *, timeout: float | None = 25.0) -> None:
        self._call(MONADO_SESSION_END, None, timeout)

    def session_destroy(self, *, timeout: float | None = 25.0) -> None:
        self._call(MONADO_SESSION_DESTROY, None, timeout)

    def session_poll_events(
        self, *, timeout: float | None = 25.0
    ) -> MonadoSessionPollEventsResponse:
        return self._call(MONADO_SESSION_POLL_EVENTS, None, timeout)

    def compositor_predict_frame(
        self, *, timeout: float | None = 25.0
    ) -> MonadoCompositorPredictFrameResponse:
        return self._call(MONADO_COMPOSITOR_PREDICT_FRAME, None, timeout)

    def compositor_wait_woke(self, frame_id: int, *, timeout: float | None = 25.0) -> None:
        self._call(MONADO_COMPOSITOR_WAIT_WOKE, MonadoCompositorWaitWokeRequest(frame_id), timeout)

    def compositor_wait_frame(
        self, *, timeout: float | None = 25.0
    ) -> MonadoCompositorWaitFrameResponse:
        return self._call(MONADO_COMPOSITOR_WAIT_FRAME, None, timeout)

    def compositor_begin_frame(self, frame_id: int, *, timeout: float | None = 25.0) -> None:
        self._call(
            MONADO_COMPOSITOR_BEGIN_FRAME, MonadoCompositorBeginFrameRequest(frame_id), timeout
        )

    def compositor_discard_frame(self, frame_id: int, *, timeout: float | None = 25.0) -> None:
        self._call(
            MONADO_COMPOSITOR_DISCARD_FRAME, MonadoCompositorDiscardFrameRequest(frame_id), timeout
        )

    def compositor_layer_sync(
        self,
        frame_id: int,
        layers: list[Layer],
        fence: Event | None,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        self._call(
            MONADO_COMPOSITOR_LAYER_SYNC,
            MonadoCompositorLayerSyncRequest(frame_id, layers, fence),
            timeout,
        )

    def compositor_layer_sync_with_semaphore(
        self,
        frame_id: int,
        layers: list[Layer],
        semaphore_id: int,
        semaphore_value: int,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        self._call(
            MONADO_COMPOSITOR_LAYER_SYNC_WITH_SEMAPHORE,
            MonadoCompositorLayerSyncWithSemaphoreRequest(
                frame_id, layers, semaphore_id, semaphore_value
            ),
            timeout,
        )

    def swapchain_get_properties(
        self, info: SwapchainInfo, *, timeout: float | None = 25.0
    ) -> MonadoSwapchainGetPropertiesResponse:
        return self._call(
            MONADO_SWAPCHAIN_GET_PROPERTIES, MonadoSwapchainGetPropertiesRequest(info), timeout
        )

    def swapchain_create(
        self, info: SwapchainInfo, *, timeout: float | None = 25.0
    ) -> MonadoSwapchainCreateResponse:
        return self._call(MONADO_SWAPCHAIN_CREATE, MonadoSwapchainCreateRequest(info), timeout)

    def swapchain_import(
        self, info: SwapchainInfo, images: list[Vmo], *, timeout: float | None = 25.0
    ) -> MonadoSwapchainImportResponse:
        return self._call(
            MONADO_SWAPCHAIN_IMPORT, MonadoSwapchainImportRequest(info, images), timeout
        )

    def swapchain_acquire_image(
        self, swapchain_id: int, *, timeout: float | None = 25.0
    ) -> MonadoSwapchainAcquireImageResponse:
        return self._call(
            MONADO_SWAPCHAIN_ACQUIRE_IMAGE,
            MonadoSwapchainAcquireImageRequest(swapchain_id),
            timeout,
        )

    def swapchain_wait_image(
        self, swapchain_id: int, timeout_ns: int, index: int, *, timeout: float | None = 25.0
    ) -> None:
        self._call(
            MONADO_SWAPCHAIN_WAIT_IMAGE,
            MonadoSwapchainWaitImageRequest(swapchain_id, timeout_ns, index),
            timeout,
        )

    def swapchain_release_image(
        self, swapchain_id: int, index: int, *, timeout: float | None = 25.0
    ) -> None:
        self._call(
            MONADO_SWAPCHAIN_RELEASE_IMAGE,
            MonadoSwapchainReleaseImageRequest(swapchain_id, index),
            timeout,
        )

    def swapchain_destroy(self, swapchain_id: int, *, timeout: float | None = 25.0) -> None:
        self._call(MONADO_SWAPCHAIN_DESTROY, MonadoSwapchainDestroyRequest(swapchain_id), timeout)

    def compositor_semaphore_create(
        self, page: Vmo, doorbell: EventPair, *, timeout: float | None = 25.0
    ) -> MonadoCompositorSemaphoreCreateResponse:
        return self._call(
            MONADO_COMPOSITOR_SEMAPHORE_CREATE,
            MonadoCompositorSemaphoreCreateRequest(page, doorbell),
            timeout,
        )

    def compositor_semaphore_destroy(
        self, semaphore_id: int, *, timeout: float | None = 25.0
    ) -> None:
        self._call(
            MONADO_COMPOSITOR_SEMAPHORE_DESTROY,
            MonadoCompositorSemaphoreDestroyRequest(semaphore_id),
            timeout,
        )

    def device_update_input(self, device_id: int, *, timeout: float | None = 25.0) -> None:
        self._call(MONADO_DEVICE_UPDATE_INPUT, MonadoDeviceUpdateInputRequest(device_id), timeout)

    def device_get_tracked_pose(
        self, device_id: int, name: InputName, at_timestamp_ns: int, *, timeout: float | None = 25.0
    ) -> MonadoDeviceGetTrackedPoseResponse:
        return self._call(
            MONADO_DEVICE_GET_TRACKED_POSE,
            MonadoDeviceGetTrackedPoseRequest(device_id, name, at_timestamp_ns),
            timeout,
        )

    def device_get_hand_tracking(
        self, device_id: int, name: InputName, at_timestamp_ns: int, *, timeout: float | None = 25.0
    ) -> MonadoDeviceGetHandTrackingResponse:
        return self._call(
            MONADO_DEVICE_GET_HAND_TRACKING,
            MonadoDeviceGetHandTrackingRequest(device_id, name, at_timestamp_ns),
            timeout,
        )

    def device_get_output_limits(
        self, device_id: int, *, timeout: float | None = 25.0
    ) -> MonadoDeviceGetOutputLimitsResponse:
        return self._call(
            MONADO_DEVICE_GET_OUTPUT_LIMITS, MonadoDeviceGetOutputLimitsRequest(device_id), timeout
        )

    def device_set_output(
        self, device_id: int, name: OutputName, value: Vibration, *, timeout: float | None = 25.0
    ) -> None:
        self._call(
            MONADO_DEVICE_SET_OUTPUT, MonadoDeviceSetOutputRequest(device_id, name, value), timeout
        )


class MonadoServer(Server[Monado]):
    """Serves one client; see `MonadoProxy`."""

    PROTOCOL = Monado

    @abstractmethod
    def instance_get_shm_fd(self) -> Answer[MonadoInstanceGetShmFdResponse]: ...

    @abstractmethod
    def instance_describe_client(self, desc: ClientDescription) -> Answer[None]: ...

    @abstractmethod
    def system_get_clients(self) -> Answer[MonadoSystemGetClientsResponse]: ...

    @abstractmethod
    def system_get_client_info(
        self, client_id: int
    ) -> Answer[MonadoSystemGetClientInfoResponse]: ...

    @abstractmethod
    def system_set_client_info(self, desc: ClientDescription, z_order: int) -> Answer[None]: ...

    @abstractmethod
    def system_set_primary_client(self, client_id: int) -> Answer[None]: ...

    @abstractmethod
    def system_set_focused_client(self, client_id: int) -> Answer[None]: ...

    @abstractmethod
    def system_toggle_io_client(
        self, client_id: int
    ) -> Answer[MonadoSystemToggleIoClientResponse]: ...

    @abstractmethod
    def system_compositor_get_info(self) -> Answer[MonadoSystemCompositorGetInfoResponse]: ...

    @abstractmethod
    def system_get_mirror(self) -> Answer[MonadoSystemGetMirrorResponse]: ...

    @abstractmethod
    def session_create(self, info: SessionInfo) -> Answer[None]: ...

    @abstractmethod
    def session_begin(self) -> Answer[None]: ...

    @abstractmethod
    def session_end(self) -> Answer[None]: ...

    @abstractmethod
    def session_destroy(self) -> Answer[None]: ...

    @abstractmethod
    def session_poll_events(self) -> Answer[MonadoSessionPollEventsResponse]: ...

    @abstractmethod
    def compositor_predict_frame(self) -> Answer[MonadoCompositorPredictFrameResponse]: ...

    @abstractmethod
    def compositor_wait_woke(self, frame_id: int) -> Answer[None]: ...

    @abstractmethod
    def compositor_wait_frame(self) -> Answer[MonadoCompositorWaitFrameResponse]: ...

    @abstractmethod
    def compositor_begin_frame(self, frame_id: int) -> Answer[None]: ...

    @abstractmethod
    def compositor_discard_frame(self, frame_id: int) -> Answer[None]: ...

    @abstractmethod
    def compositor_layer_sync(
        self, frame_id: int, layers: list[Layer], fence: Event | None
    ) -> Answer[None]: ...

    @abstractmethod
    def compositor_layer_sync_with_semaphore(
        self, frame_id: int, layers: list[Layer], semaphore_id: int, semaphore_value: int
    ) -> Answer[None]: ...

    @abstractmethod
    def swapchain_get_properties(
        self, info: SwapchainInfo
    ) -> Answer[MonadoSwapchainGetPropertiesResponse]: ...

    @abstractmethod
    def swapchain_create(self, info: SwapchainInfo) -> Answer[MonadoSwapchainCreateResponse]: ...

    @abstractmethod
    def swapchain_import(
        self, info: SwapchainInfo, images: list[Vmo]
    ) -> Answer[MonadoSwapchainImportResponse]: ...

    @abstractmethod
    def swapchain_acquire_image(
        self, swapchain_id: int
    ) -> Answer[MonadoSwapchainAcquireImageResponse]: ...

    @abstractmethod
    def swapchain_wait_image(
        self, swapchain_id: int, timeout_ns: int, index: int
    ) -> Answer[None]: ...

    @abstractmethod
    def swapchain_release_image(self, swapchain_id: int, index: int) -> Answer[None]: ...

    @abstractmethod
    def swapchain_destroy(self, swapchain_id: int) -> Answer[None]: ...

    @abstractmethod
    def compositor_semaphore_create(
        self, page: Vmo, doorbell: EventPair
    ) -> Answer[MonadoCompositorSemaphoreCreateResponse]: ...

    @abstractmethod
    def compositor_semaphore_destroy(self, semaphore_id: int) -> Answer[None]: ...

    @abstractmethod
    def device_update_input(self, device_id: int) -> Answer[None]: ...

    @abstractmethod
    def device_get_tracked_pose(
        self, device_id: int, name: InputName, at_timestamp_ns: int
    ) -> Answer[MonadoDeviceGetTrackedPoseResponse]: ...

    @abstractmethod
    def device_get_hand_tracking(
        self, device_id: int, name: InputName, at_timestamp_ns: int
    ) -> Answer[MonadoDeviceGetHandTrackingResponse]: ...

    @abstractmethod
    def device_get_output_limits(
        self, device_id: int
    ) -> Answer[MonadoDeviceGetOutputLimitsResponse]: ...

    @abstractmethod
    def device_set_output(
        self, device_id: int, name: OutputName, value: Vibration
    ) -> Answer[None]: ...
