# 22retry.tcl --
#
#	Clients of TLS 1.3 that are asked to try again, by right and by wrong
#	HelloRetryRequests.

family Retry client {clients, and HelloRetryRequests}

conversation Retry-Group-1 {a share of another group is asked for: it comes,\
    alone} -versions TLSv1.3 -source {RFC 8446, 4.1.2 and 4.1.4} {
    called
    set asked [message HelloRetryRequest]
    send -handshake HelloRetryRequest $asked
    set group [dict get [extension $asked key_share] selected_group]
    set shares [dict get [extension [again] key_share] client_shares]
    if {[lmap share $shares {dict get $share group}] ne $group} {
	fail "the second ClientHello has other shares than one of $group"
    }
}

conversation Retry-Same-1 {all else is as in the first ClientHello} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.2} {
    set first [called]
    tell HelloRetryRequest
    set second [again]
    foreach field {legacy_version random legacy_session_id cipher_suites
	    legacy_compression_methods} {
	if {[dict get $first $field] ne [dict get $second $field]} {
	    fail "$field is another"
	}
    }
    foreach extension [dict get $first extensions] {
	set name [dict get $extension extension_type]
	if {$name ni {key_share early_data pre_shared_key padding cookie}
		&& [extension $second $name] ne $extension} {
	    fail "$name is another"
	}
    }
}

conversation Retry-Cookie-1 {a cookie comes back} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.2} {
    called
    set cookie [::pyossl::rand bytes 300]
    tell HelloRetryRequest -add [list [list extension_type cookie \
	cookie $cookie]]
    set extension [extension [again] cookie]
    if {$extension eq "" || [dict get $extension cookie] ne $cookie} {
	fail "it does not"
    }
}

conversation Retry-Cookie-2 {a cookie is a change by itself} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.4 and 4.2.2} {
    called
    tell HelloRetryRequest -drop key_share \
	-add {{extension_type cookie cookie abc}}
    set extension [extension [again] cookie]
    if {$extension eq "" || [dict get $extension cookie] ne "abc"} {
	fail "it does not come back"
    }
}

conversation Retry-Twice-1 {a second HelloRetryRequest} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.4} {
    called
    tell HelloRetryRequest
    again
    tell HelloRetryRequest -drop key_share \
	-add {{extension_type cookie cookie abc}}
    refused unexpected_message
}

foreach {n title source arguments alerts} {
    1 {it changes nothing} {RFC 8446, 4.1.4}
	{-drop key_share} illegal_parameter
    2 {it asks for a group that was shared} {RFC 8446, 4.2.8}
	{-drop key_share -add [list [list extension_type key_share
	    selected_group [Group]]]} illegal_parameter
    3 {it asks for a group that was not offered} {RFC 8446, 4.2.8}
	{-drop key_share -add [list [list extension_type key_share
	    selected_group 0xfe11]]} illegal_parameter
    4 {its cookie goes beyond its end} {RFC 8446, 4.2.2 and 6}
	{-add [list [list extension_type cookie extension_data \x00\x05a]]}
	{decode_error illegal_parameter}
    5 {it has use_srtp, which was not asked for} {RFC 8446, 4.2}
	{-add [list [list extension_type use_srtp extension_data \
	    \x00\x02\x00\x01\x00]]} {unsupported_extension illegal_parameter}
    6 {it has another session id} {RFC 8446, 4.1.4}
	{legacy_session_id_echo abcdefgh} illegal_parameter
    7 {it has a cipher suite that there is not} {RFC 8446, 4.1.4}
	{cipher_suite 0x13ff} illegal_parameter
    8 {it compresses} {RFC 8446, 4.1.3 and 4.1.4}
	{legacy_compression_method DEFLATE} illegal_parameter
    9 {it has no supported_versions} {RFC 8446, 4.1.4 and 9.2}
	{-drop supported_versions}
	{missing_extension illegal_parameter protocol_version}
    10 {it selects TLS 1.2} {RFC 8446, 4.2.1}
	{-drop supported_versions -add [list [list \
	    extension_type supported_versions selected_version TLSv1.2]]}
	{illegal_parameter protocol_version}
    11 {its key_share is that of a ServerHello} {RFC 8446, 4.2.8 and 6}
	{-drop key_share -add [list [list extension_type key_share \
	    extension_data "\x00\x1d\x00\x20[string repeat k 32]"]]}
	{decode_error illegal_parameter}
    12 {its key_share is there twice} {RFC 8446, 4.2}
	{-add [list [list extension_type key_share selected_group [Unshared]]]}
	{}
    13 {it has a byte left over} {RFC 8446, 4.1.4 and 6}
	{trailing_bytes x} {decode_error illegal_parameter}
    14 {its extensions are longer than it is} {RFC 8446, 4.1.4 and 6}
	{extensions_length 600} decode_error
    15 {it has no extensions} {RFC 8446, 4.1.4 and 9.2}
	{extensions {} extensions_wire {}}
	{missing_extension illegal_parameter decode_error protocol_version}
} {
    conversation Retry-Wrong-$n "a HelloRetryRequest: $title" \
	-versions TLSv1.3 -source $source [format {
	called
	tell HelloRetryRequest %s
	refused %s
    } [regsub -all {\s*\\?\n\s*} $arguments { }] $alerts]
}

foreach {n title arguments alerts} {
    1 {another cipher suite than it} {cipher_suite $other} illegal_parameter
    2 {a share of another group than it asked for}
	{-drop key_share -add [list [list extension_type key_share
	    server_share [list group 0xfe11 key_exchange abc]]]}
	illegal_parameter
    3 {another version than it} {-drop {supported_versions key_share}}
	{illegal_parameter protocol_version unexpected_message}
} {
    conversation Retry-After-$n "the ServerHello behind it has $title" \
	-versions TLSv1.3 -source {RFC 8446, 4.1.4} [format {
	set hello [called]
	set group [Unshared]
	tell HelloRetryRequest
	again
	foreach suite $suites13 {
	    if {$suite in [dict get $hello cipher_suites]} {
		set other $suite
	    }
	}
	if {$other eq [Suite]} {
	    skip "the client offers one cipher suite"
	}
	send -handshake ServerHello [dict merge [dict create \
	    legacy_session_id_echo [dict get $now(hello) legacy_session_id] \
	    cipher_suite [Suite]] [Changed [list [list \
	    extension_type supported_versions selected_version TLSv1.3] [list \
	    extension_type key_share server_share [list group $group \
	    key_exchange [PublicKey $group]]]] %s]]
	refused %s
    } [regsub -all {\s*\\?\n\s*} $arguments { }] $alerts]
}
unset n title source arguments alerts

# Changed extensions ?-drop names? ?-add extensions? ?field value ...? --
#	Fields, with the extensions as these options have them.
proc script::Changed {extensions args} {
    set options {-drop {} -add {}}
    while {[dict exists $options [lindex $args 0]]} {
	set args [lassign $args option value]
	dict set options $option $value
    }
    return [dict merge [dict create extensions [concat [lmap extension \
	$extensions {
	    if {[dict get $extension extension_type]
		    in [dict get $options -drop]} continue
	    set extension
	}] [dict get $options -add]]] $args]
}

conversation Retry-First-1 {a HelloRetryRequest behind the ServerHello} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.4} {
    called
    set asked [message HelloRetryRequest]
    tell ServerHello
    send -handshake HelloRetryRequest $asked
    # The client's alert may be encrypted.
    expect -timeout $timeout -message ClientHello -from peer {
	fail "it tries again"
    } -closed * {
    } timeout {
	fail "it goes on"
    }
}
