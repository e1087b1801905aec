# 04handshake.tcl -- what is in a handshake?
#
#	pyosslsh 04handshake.tcl
#
#	Takes a handshake apart, message by message, in the order of the wire: what
#	the client offers, what the server chooses, which certificates it sends.

log_user 0
lassign [spawn pair -client {-alpn {h2 http/1.1}} -server {-alpn {h2}}] client server

# The value of an extension in a decoded message.
proc extension {message type field} {
    foreach extension [dict get $message extensions] {
	if {[dict get $extension extension_type] eq $type} {
	    return [dict get $extension $field]
	}
    }
    return none
}

expect -i $client -message ClientHello -from self {
    puts "offered:  [lrange [dict get $expect_out(message) cipher_suites] 0 2] ..."
    puts "versions: [extension $expect_out(message) supported_versions versions]"
}
expect -i $client -message ServerHello -from peer {
    puts "chosen:   [dict get $expect_out(message) cipher_suite]"
    puts "version:  [extension $expect_out(message) supported_versions selected_version]"
}
expect -i $client -message EncryptedExtensions {
    puts "protocol: [extension $expect_out(message) \
	    application_layer_protocol_negotiation protocol_name_list]"
}
expect -i $client -message Certificate {
    puts "certificates: [llength [dict get $expect_out(message) certificate_list]]"
}
expect -i $client -established {
    puts "group:    [endpoint $client group]"
}
