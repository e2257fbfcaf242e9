"""HCI commands whose handler in Bumble's controller does too little, written out here.

Each takes the controller and a command that has been found sound, and returns what its Command
Complete event carries, or None when it has answered by itself. Sections are those of Bluetooth
Core 5.3, Vol 4, Part E.
"""

import asyncio

from bumble import hci, ll

from virtual_radio.adverts import Advertiser
from virtual_radio.connection import End
from virtual_radio.controller import Answer, Handlers, RadioController
from virtual_radio.receiver import ACCEPT_LIST_SIZE

RANDOM_BYTES = 8
"""Of LE Rand."""


def _done(status: int = hci.HCI_ErrorCode.SUCCESS) -> Answer:
    return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode(status))


def _reset(controller: RadioController, _command: hci.HCI_Command) -> Answer:
    """7.3.2: everything is as after power-on, and peers are told nothing."""
    silence(controller)
    controller.le_legacy_advertiser = Advertiser(
        controller, controller.air.advertise, controller.air.random
    )
    controller.le_scan_enable = controller.filter_duplicates = False
    controller.le_scan_type, controller.le_scanning_filter_policy = 0, 0
    controller.le_scan_interval = controller.le_scan_window = 0x10
    controller.random_address = hci.Address("00:00:00:00:00:00")
    controller.receiver.accept_list.clear()
    controller.receiver.forget()
    return _done()


def silence(controller: RadioController) -> None:
    """Stop all that it does; its peers hear nothing more and find out by themselves."""
    controller.le_legacy_advertiser.stop()
    controller.pending_le_connection = None
    ends = [end for end in controller.le_connections.values() if isinstance(end, End)]
    controller.le_connections.clear()
    for end in ends:
        end.alive, end.silent = False, True
        end.shared.review()


def _disconnect(controller: RadioController, command: hci.HCI_Command) -> Answer:
    """7.1.6: the peer learns the reason, our host that it was ours."""
    assert isinstance(command, hci.HCI_Disconnect_Command)
    end = controller.find_le_connection_by_handle(command.connection_handle)
    assert isinstance(end, End)
    controller.answer_status(hci.HCI_ErrorCode.SUCCESS, command.op_code)
    end.send_ll_control_pdu(ll.TerminateInd(command.reason))
    controller.on_le_disconnected(end, hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR)
    return None


def _scan_enable(controller: RadioController, command: hci.HCI_Command) -> Answer:
    """7.8.11: whoever was a duplicate is new in a new scan."""
    assert isinstance(command, hci.HCI_LE_Set_Scan_Enable_Command)
    controller.le_scan_enable = bool(command.le_scan_enable)
    controller.filter_duplicates = bool(command.filter_duplicates)
    controller.receiver.forget()
    return _done()


def _cancel(controller: RadioController, _command: hci.HCI_Command) -> Answer:
    """7.8.13: the answer first, then the Connection Complete event that ends the waiting."""
    unknown = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
    asyncio.get_running_loop().call_soon(controller.receiver.fail, unknown)
    return _done()


def _clear_accept_list(controller: RadioController, _command: hci.HCI_Command) -> Answer:
    """7.8.15"""
    controller.receiver.accept_list.clear()
    return _done()


def _add_to_accept_list(controller: RadioController, command: hci.HCI_Command) -> Answer:
    """7.8.16"""
    assert isinstance(command, hci.HCI_LE_Add_Device_To_Filter_Accept_List_Command)
    accepted = controller.receiver.accept_list
    if command.address not in accepted:
        if len(accepted) >= ACCEPT_LIST_SIZE:
            return _done(hci.HCI_ErrorCode.MEMORY_CAPACITY_EXCEEDED_ERROR)
        accepted.append(command.address)
    return _done()


def _remove_from_accept_list(controller: RadioController, command: hci.HCI_Command) -> Answer:
    """7.8.17"""
    assert isinstance(command, hci.HCI_LE_Remove_Device_From_Filter_Accept_List_Command)
    if command.address in controller.receiver.accept_list:
        controller.receiver.accept_list.remove(command.address)
    return _done()


def _connection_update(controller: RadioController, command: hci.HCI_Command) -> Answer:
    """7.8.18: the supervision timeout changes with it."""
    assert isinstance(command, hci.HCI_LE_Connection_Update_Command)
    end = controller.find_le_connection_by_handle(command.connection_handle)
    assert isinstance(end, End)
    end.shared.update(command.connection_interval_max, command.supervision_timeout)
    controller.on_hci_le_connection_update_command(command)
    return None


def _random(controller: RadioController, _command: hci.HCI_Command) -> Answer:
    """7.8.23: from the radio's seed."""
    return hci.HCI_LE_Rand_ReturnParameters(
        status=hci.HCI_ErrorCode.SUCCESS,
        random_number=controller.air.random.randbytes(RANDOM_BYTES),
    )


HANDLERS: Handlers = {
    hci.HCI_RESET_COMMAND: _reset,
    hci.HCI_DISCONNECT_COMMAND: _disconnect,
    hci.HCI_LE_SET_SCAN_ENABLE_COMMAND: _scan_enable,
    hci.HCI_LE_CREATE_CONNECTION_CANCEL_COMMAND: _cancel,
    hci.HCI_LE_CLEAR_FILTER_ACCEPT_LIST_COMMAND: _clear_accept_list,
    hci.HCI_LE_ADD_DEVICE_TO_FILTER_ACCEPT_LIST_COMMAND: _add_to_accept_list,
    hci.HCI_LE_REMOVE_DEVICE_FROM_FILTER_ACCEPT_LIST_COMMAND: _remove_from_accept_list,
    hci.HCI_LE_CONNECTION_UPDATE_COMMAND: _connection_update,
    hci.HCI_LE_RAND_COMMAND: _random,
}
